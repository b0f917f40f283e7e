"""Predictions that are entries of the tensor."""

from dynlens.kernels.loops.head import compiled

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@compiled
def prediction(tensor, index, rows, i):
    return tensor[index[i]]


@compiled
def add_back(cotangent, index, rows, i, weight):
    cotangent[index[i]] += weight
