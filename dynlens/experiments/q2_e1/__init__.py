"""Q2.E1: the directions of an orthogonal tensor are fitted one after another."""
