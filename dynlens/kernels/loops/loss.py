"""The loss of one residual and its derivative: half its square, or another in its place."""

from dynlens.kernels.loops.head import inlined

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@inlined
def loss_value(z):
    return 0.5 * z * z


@inlined
def loss_derivative(z):
    return z
