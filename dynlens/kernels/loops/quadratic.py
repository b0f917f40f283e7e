"""Two-layer network with quadratic activation: its matrix, and back."""

import math

from dynlens.kernels.loops.head import reordered

SIGNS = (1,)  # one for all neurons if they are the same
FIXED = False  # the second layer
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
def sizes(theta, tensor):  # inputs, neurons, and where the first layer starts
    inputs = int(math.sqrt(len(tensor)) + 0.5)
    neurons = len(theta) // (inputs if FIXED else inputs + 1)
    return inputs, neurons, 0 if FIXED else neurons


@reordered
def forward(theta, index, rows, work, tensor):
    inputs, neurons, start = sizes(theta, tensor)
    tensor[:] = 0.0
    for i in range(neurons):
        a, w = SIGNS[i % len(SIGNS)] if FIXED else theta[i], start + i * inputs
        for j in range(inputs):
            x = a * theta[w + j]
            for k in range(inputs):
                tensor[j * inputs + k] += x * theta[w + k]


@reordered
def backward(theta, index, rows, work, cotangent, out):
    inputs, neurons, start = sizes(theta, cotangent)
    for i in range(neurons):
        a, w = SIGNS[i % len(SIGNS)] if FIXED else theta[i], start + i * inputs
        work[:inputs] = 0.0  # (C + C^T) w_i
        for j in range(inputs):
            x, total = theta[w + j], 0.0
            for k in range(inputs):
                c = cotangent[j * inputs + k]
                work[k] += x * c
                total += theta[w + k] * c
            work[j] += total
        total = 0.0
        for j in range(inputs):
            total += work[j] * theta[w + j] / 2
            out[w + j] = a * work[j]
        if not FIXED:
            out[i] = total
