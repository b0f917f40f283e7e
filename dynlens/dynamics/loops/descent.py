"""The loop over steps of gradient descent, by whatever rule and gradient stand in here."""

import numpy as np
from numba import njit, types

from dynlens.dynamics.loops.rounded import take
from dynlens.kernels.loops.head import KERNEL, numbers, vector
from dynlens.kernels.loops.plain import gradient

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

scalar, place = types.float64, types.intp
ADVANCE = (*KERNEL, vector, scalar, place, scalar)
LIMITS = (scalar, numbers, numbers, scalar, place)  # eta, marks, place, floor, most
DESCEND = (vector, vector, *KERNEL[1:], *LIMITS, scalar[:, ::1], vector)
PAUSED, STOPPED, FINISHED = range(3)


@njit(ADVANCE, cache=True, no_cfunc_wrapper=True)
def advance(
    theta, values, index, rows, weight, work, tensor, cotangent, out, memory, eta, steps, floor
):
    """Take some steps in place; fewer where the loss is at or below the floor, or not finite."""
    for k in range(steps):
        value = gradient(theta, values, index, rows, weight, work, tensor, cotangent, out)
        if not (value > floor and value < np.inf):
            return k
        take(theta, memory, eta, out)
    return steps


@njit(DESCEND, cache=True, no_cfunc_wrapper=True, nogil=True)
def descend(
    theta,
    memory,
    values,
    index,
    rows,
    weight,
    work,
    tensor,
    cotangent,
    out,
    eta,
    marks,
    place,
    floor,
    most,
    states,
    flow_times,
):
    """From save to save; `place` is the step, and how many saves are behind."""
    while place[1] < marks.size:
        wanted = min(marks[place[1]] - place[0], most)
        done = advance(
            theta,
            values,
            index,
            rows,
            weight,
            work,
            tensor,
            cotangent,
            out,
            memory,
            eta,
            wanted,
            floor,
        )
        place[0] += done
        most -= done
        if done < wanted:
            return STOPPED
        if place[0] < marks[place[1]]:
            return PAUSED
        for i in range(theta.size):
            states[place[1], i] = theta[i]
        flow_times[place[1]] = memory[memory.size - 1]
        place[1] += 1
    return FINISHED
