"""The rule of plain gradient descent."""

from dynlens.kernels.loops.head import woven

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Step against the gradient."""
    for i in range(theta.size):
        theta[i] -= eta * out[i]
