"""The field from one block of the work space into another, compiled once."""

from dynlens.stepping.loops.basics import PLACE, VECTOR, block, declared
from dynlens.stepping.loops.field import FIELD, call, size

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@declared(VECTOR, PLACE, PLACE, FIELD)
def evaluate(w, at, to, field):
    """Evaluate the field at one block into another: the objective."""
    n = size(field)
    return call(field, block(w, at, n), block(w, to, n))
