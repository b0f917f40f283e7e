"""Blocks of the work space of the stabilized methods; the state and the new state come first."""

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

F, FNEW, PAST, LATEST, G, V = 2, 3, 4, 5, 6, 7
