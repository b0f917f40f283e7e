"""What a loop has to know of the explicit method that it takes its steps by."""

import math

from dynlens.stepping.loops.basics import hook

STAGES = 6  # before the new state, which is how many evaluations a step takes
EXTRA = 0  # stages that the interpolant alone needs
ERRORS = 1  # estimates of the error; of two, Hairer's combination is taken
POWER = 22  # of 1 / error in the factor between steps, in 128ths
DAMPING = 5  # of the error before it, likewise
LEAST = 0.6978305848598664  # what the error before it counts for at least: 1e-4 to the damping
ROOT = 0.2  # one over the order of the estimate
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

# Blocks: the state, the new one, a trial one, then stages, the slope at the new state the last of
# them; then what is no stage.
FIRST = 3
LAST, NEW = FIRST + STAGES - 1, FIRST + STAGES
SPARE = NEW + 1 + EXTRA
SECOND_SPARE = SPARE + ERRORS - 1
SCRATCH = FIRST + 1  # a stage that is free before the first step
DEEPEST = 7  # square root of a square root of ...: powers are multiples of 1/128


@hook
def powers(error):
    """The error to the two powers: products of square roots are faster, and vectors can do it."""
    root, power, damping = error, 1.0, 1.0
    for k in range(DEEPEST - 1, -1, -1):
        root = math.sqrt(root)
        if POWER >> k & 1:
            power *= root
        if DAMPING >> k & 1:
            damping *= root
    return power, damping
