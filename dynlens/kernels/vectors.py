"""Rows in vectors of eight numbers; see `dynlens.kernels.loops.vectors`."""

LANES = 8


def padded(width: int) -> int:
    """Return the length of a row that is padded to a multiple of `LANES`."""
    return -(-width // LANES) * LANES
