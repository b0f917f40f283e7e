"""Source of what a compiled loop does before its first step.

Loops for all problems share one copy of it, since it takes half a second to compile.
"""

from __future__ import annotations

from dynlens.stepping.fields import Field
from dynlens.stepping.layout import PLACES


def beginning(field: Field) -> str:
    """Source of ``begin`` around a field, without the head of a module."""
    values = {"N": field.n, "ARGUMENTS": field.arguments, "CALL": field.call("at", "to")}
    text = _BEGIN
    for key, value in values.items():
        text = text.replace(f"<{key}>", value)
    return text


def shared_beginning(field: Field) -> str:
    """Source of a module of its own."""
    return "\n".join((field.head, PLACES, beginning(field)))


_BEGIN = '''@inner
def evaluate(w, at, to, <ARGUMENTS>):
    return <CALL>


@fast(vector, vector, numbers, place, place, *[scalar] * 4, *GIVEN)
def begin(w, clock, counts, at, spare, root, t_end, rtol, atol, <ARGUMENTS>):
    """Evaluate the field at the start, into one block, and choose the first step with another.

    That is by Hairer's rule, as in SciPy: from the first two derivatives and the order of the error
    estimate, of which `root` is the inverse. No step is chosen if one is there, or if the root is
    zero. Where the field overflows no step will do: it becomes NaN.
    """
    y, slope = block(w, 0, <N>), block(w, at, <N>)
    clock[LOSS] = evaluate(w, 0, at, <ARGUMENTS>)
    counts[EVALUATIONS] += 1
    for i in range(<N>):
        if not abs(slope[i]) < np.inf:
            clock[H] = np.nan
    if clock[H] != 0.0 or root == 0.0:
        return
    trial, slope_new = block(w, 1, <N>), block(w, spare, <N>)
    size, slopes, bent = 0.0, 0.0, 0.0
    for i in range(<N>):
        scale = atol + rtol * abs(y[i])
        size += (y[i] / scale) ** 2
        slopes += (slope[i] / scale) ** 2
    size, slopes, left = math.sqrt(size / <N>), math.sqrt(slopes / <N>), t_end - clock[T]
    h = min(left, 1e-6 if size < 1e-5 or slopes < 1e-5 else 0.01 * size / slopes)
    for i in range(<N>):
        trial[i] = y[i] + h * slope[i]
    evaluate(w, 1, spare, <ARGUMENTS>)
    counts[EVALUATIONS] += 1
    for i in range(<N>):
        trial[i] = y[i]
        bent += ((slope_new[i] - slope[i]) / (atol + rtol * abs(y[i]))) ** 2
    most = max(slopes, math.sqrt(bent / <N>) / h)
    longer = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** root
    clock[H] = min(100.0 * h, longer, left)


'''
