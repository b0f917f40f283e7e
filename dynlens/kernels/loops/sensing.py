"""Predictions that are inner products of the tensor."""

from dynlens.kernels.loops.head import compiled

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@compiled
def prediction(tensor, index, rows, i):
    total = 0.0
    for j in range(tensor.size):
        total += rows[i * tensor.size + j] * tensor[j]
    return total


@compiled
def add_back(cotangent, index, rows, i, weight):
    for j in range(cotangent.size):
        cotangent[j] += weight * rows[i * cotangent.size + j]
