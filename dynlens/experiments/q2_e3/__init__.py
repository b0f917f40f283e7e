"""Q2.E3: what the penalty does: a bias of half of it, and a basin for what is fitted."""
