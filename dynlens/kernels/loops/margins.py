"""Predictions that are entries of the tensor times a sign each."""

from dynlens.kernels.loops.head import compiled

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@compiled
def prediction(tensor, index, rows, i):
    return rows[i] * tensor[i]


@compiled
def add_back(cotangent, index, rows, i, weight):
    cotangent[i] += rows[i] * weight
