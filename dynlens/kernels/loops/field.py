"""The vector field, which is the gradient with the weights that follow, of other sign."""

from numba import njit

from dynlens.kernels.loops.head import KERNEL
from dynlens.kernels.loops.plain import gradient

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@njit(KERNEL, cache=True, no_cfunc_wrapper=True)
def field(theta, values, index, rows, weight, work, tensor, cotangent, out):
    return -gradient(theta, values, index, rows, weight[2:], work, tensor, cotangent, out)
