"""Sizes of the work space of lanes: place i of lane l is number ``16 i + l`` of a block."""

from dynlens.stepping.lane_layout import LANES
from dynlens.stepping.loops.basics import part
from dynlens.stepping.loops.tableau import ERRORS, SPARE
from dynlens.stepping.loops.wide import wide

N = 12  # parameters
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

M = LANES * N  # numbers in a block
STEPS_BLOCK = SPARE + ERRORS  # the step of each lane, for each of its entries


@part
def spread(w, r, row):
    """Repeat a row of the lanes for each of their entries."""
    wide()
    for i in range(N):
        for l in range(LANES):
            w[STEPS_BLOCK * M + LANES * i + l] = r[row + l]
