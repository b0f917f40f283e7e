"""A step as it is: the state is rounded after each, and that is that."""

from dynlens.dynamics.loops.plain import update
from dynlens.kernels.loops.head import woven

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def take(theta, memory, eta, out):
    """Step by the rule."""
    update(theta, memory, eta, out)
