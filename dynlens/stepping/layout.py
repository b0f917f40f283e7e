"""Where a compiled loop keeps what, and what it returns with: the same for Python and for it."""

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

# Places in the clock and in the counts of a compiled loop.
T, H, T_OLD, H_DONE, ERROR, LOSS, CURVATURE, LIMIT = range(8)
EVALUATIONS, STEPS, SAVED, REFUSED, HITS, MISSES, FINISHED, EXTENDED = range(8)

# What a loop returns with.
DONE, BELOW, SPENT, STIFF, MILD, PAUSED, SMALL = range(7)
