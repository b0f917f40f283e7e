"""Gradient of cross-entropy: residuals in groups, the own class of each sample first."""

import math

from dynlens.kernels.loops.entries import add_back, prediction
from dynlens.kernels.loops.head import reordered
from dynlens.kernels.loops.quadratic import backward, forward

CLASSES = 2
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    forward(theta, index, rows, work, tensor)
    cotangent[:] = 0.0
    total = 0.0
    for own in range(0, values.size, CLASSES):
        z = prediction(tensor, index, rows, own) - values[own]
        top = 0.0
        for k in range(own + 1, own + CLASSES):
            top = max(top, prediction(tensor, index, rows, k) - values[k] - z)
        others = 0.0
        for k in range(own + 1, own + CLASSES):
            others += math.exp(prediction(tensor, index, rows, k) - values[k] - z - top)
        total += top + math.log1p(math.expm1(-top) + others)
        scale, back = weight[0] / (math.exp(-top) + others), 0.0
        for k in range(own + 1, own + CLASSES):
            share = scale * math.exp(prediction(tensor, index, rows, k) - values[k] - z - top)
            add_back(cotangent, index, rows, k, share)
            back += share
        add_back(cotangent, index, rows, own, -back)
    backward(theta, index, rows, work, cotangent, out)
    return weight[0] * total
