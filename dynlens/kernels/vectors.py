"""Rows in vectors of eight numbers; see `dynlens.kernels.loops.vectors`."""

VECTOR_WIDTH = 8


def padded(width: int) -> int:
    """Return the length of a row that is padded to a multiple of `VECTOR_WIDTH`."""
    return -(-width // VECTOR_WIDTH) * VECTOR_WIDTH
