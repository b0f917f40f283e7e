"""The loops of gradient descent that numba compiles, as Python modules; see `kernels.sources`."""
