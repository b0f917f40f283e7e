"""Where the loop over lanes keeps what, and what it returns with: see `lanes`."""

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

LANES = 16  # with fewer, LLVM unrolls the loop over them before it could vectorize it

# Rows of what is known of each lane: where each begins.
LANE_ROWS = 18
(
    LANE_TIME,
    LANE_STEP,
    LANE_TIME_OLD,
    LANE_STEP_DONE,
    LANE_TREND,
    LANE_REFUSED,
    LANE_VAIN,
    LANE_EXTENDED,
    LANE_PLACE,
    LANE_LAST,
    LANE_ACCEPTED,
    LANE_NEXT,
    LANE_SPENT,
    LANE_STEPS,
    LANE_SUM,
    LANE_SECOND_SUM,
    LANE_HITS,
    LANE_MISSES,
) = range(0, LANE_ROWS * LANES, LANES)

# Columns of the record of each start.
RECORD_SAVED, RECORD_EVALUATIONS, RECORD_STEPS, RECORD_STATUS = range(4)
# How a start ended; 0 while it goes on.
START_FINISHED, START_SPENT, START_SMALL, START_STIFF = range(1, 5)
# What the loop returns with.
LANES_PAUSED, LANES_WANTING, LANES_IDLE = range(3)
