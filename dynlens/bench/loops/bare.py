"""The gradient alone, called from a compiled loop as a step calls it."""

from dynlens.stepping.loops.basics import PLACE, VECTOR, block, fast
from dynlens.stepping.loops.field import FIELD, call, size

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@fast(VECTOR, PLACE, FIELD)
def repeat(w, count, field):
    """Evaluate the field so many times; return the sum of the objective."""
    n, total = size(field), 0.0
    for _ in range(count):
        total += call(field, block(w, 0, n), block(w, 1, n))
        w[0] += 1e-300 * w[n]  # lest the compiler sees that nothing changes
    return total
