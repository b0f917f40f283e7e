"""Where a compiled loop keeps what, and what it returns with: the same for Python and for it."""

# Places in the clock and in the counts of a compiled loop.
T, H, T_OLD, H_DONE, ERROR, LOSS, CURVATURE, LIMIT = range(8)
EVALUATIONS, STEPS, SAVED, REFUSED, HITS, MISSES, FINISHED, EXTENDED = range(8)

# What a loop returns with.
DONE, BELOW, SPENT, STIFF, MILD, PAUSED, SMALL = range(7)

# The same as source, with the types of what every loop is given.
PLACES = """T, H, T_OLD, H_DONE, ERROR, LOSS, CURVATURE, LIMIT = range(8)
EVALUATIONS, STEPS, SAVED, REFUSED, HITS, MISSES, FINISHED, EXTENDED = range(8)
DONE, BELOW, SPENT, STIFF, MILD, PAUSED, SMALL = range(7)
ADVANCE = (
    vector, vector, numbers, vector, scalar[:, ::1], scalar, place, place, *[scalar] * 4
)
"""
