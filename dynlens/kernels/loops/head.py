"""What all compiled gradients share: the types of their arguments and how they are compiled."""

import math  # noqa: F401  # for the expressions of losses and for generated text

import numpy as np  # noqa: F401
from numba import njit, types

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


vector, numbers = types.float64[::1], types.int64[::1]
KERNEL = (vector, vector, numbers, *[vector] * 6)
# Neither is called from C: that wrapper would take as long to compile as a small function.
compiled = njit(cache=True, no_cfunc_wrapper=True)
# Sums may be taken in any order, hence several terms at a time; infinities and NaNs stay.
reordered = njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, no_cfunc_wrapper=True)
# A call costs more than a loss does, and LLVM's own choice is to call.
inlined = njit(cache=True, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Pasted into its caller before anything is compiled.
woven = njit(cache=True, inline="always", no_cpython_wrapper=True, no_cfunc_wrapper=True)
