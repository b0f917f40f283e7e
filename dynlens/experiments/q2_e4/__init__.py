"""Q2.E4: two directions close to each other, and their mean."""
