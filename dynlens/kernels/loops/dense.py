"""The written-out symmetric tensor, for few entries: the contract of every model."""

import numpy as np

from dynlens.kernels.loops.head import compiled, reordered
from dynlens.kernels.loops.polar import polar, spread

SIZE = 2  # of the vectors
ORDER = 3
COUNT = 1  # of the components
TRAINED = False  # coefficients
COEFFICIENTS = (1.0,)
EXPONENTS = (3.0,)
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


fixed, degrees = np.array(COEFFICIENTS), np.array(EXPONENTS)


@compiled
def parts(work):
    units = work[: COUNT * SIZE].reshape(COUNT, SIZE)
    place = COUNT * SIZE
    return units, work[place : place + COUNT], work[place + COUNT : place + 2 * COUNT]


@reordered
def forward(theta, index, rows, work, tensor):
    units, lengths, masses = parts(work)
    polar(theta, fixed, degrees, TRAINED, units, lengths, masses)
    for e in range(len(tensor)):
        tensor[e] = 0.0
        for i in range(COUNT):
            rest, product = e, masses[i]
            for _ in range(ORDER):
                product *= units[i, rest % SIZE]
                rest //= SIZE
            tensor[e] += product


@reordered
def backward(theta, index, rows, work, cotangent, out):
    units, lengths, _ = parts(work)
    place = COUNT * (SIZE + 2)
    slope, before = work[place : place + SIZE], work[place + SIZE : place + SIZE + ORDER]
    for i in range(COUNT):
        slope[:] = 0.0
        for e in range(len(cotangent)):
            # Products of the coordinates before each mode, then after it.
            rest, product = e, cotangent[e] / ORDER
            for k in range(ORDER):
                before[k] = product
                product *= units[i, rest % SIZE]
                rest //= SIZE
            rest, product = e, 1.0
            high = SIZE ** (ORDER - 1)
            for k in range(ORDER - 1, -1, -1):
                a = (e // high) % SIZE
                slope[a] += before[k] * product
                product *= units[i, a]
                high //= SIZE
        spread(theta, fixed, degrees, TRAINED, units, lengths, ORDER, 1.0, i, slope, out)
