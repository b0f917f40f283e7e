"""Source of what a compiled loop does before its first step."""

from __future__ import annotations

from dynlens.stepping.fields import Field


def beginning(field: Field, slope: int, slope_new: int, order: int | None) -> str:
    """Source of ``begin``: the field at the start, and the first step unless it is given.

    Parameters
    ----------
    field : Field
    slope, slope_new : int
        Blocks: for the field at the start, and one that may be used.
    order : int or None
        Of the error estimate. None leaves the first step at zero, for the loop to choose.
    """
    text = _BEGIN if order is None else _BEGIN + _CHOOSE
    values = {
        "N": field.n,
        "ARGUMENTS": field.arguments,
        "CALL": field.call("at", "to"),
        "SLOPE": slope,
        "SLOPE_NEW": slope_new,
        "ROOT": None if order is None else repr(1 / order),
    }
    for key, value in values.items():
        text = text.replace(f"<{key}>", str(value))
    return text + "\n\n"


_BEGIN = '''@inner
def evaluate(w, at, to, <ARGUMENTS>):
    return <CALL>


@fast
def begin(w, clock, counts, t_end, rtol, atol, <ARGUMENTS>):
    """Evaluate the field at the start, and choose the first step unless it is there.

    Where the field overflows no step will do: it becomes NaN.
    """
    y, slope = block(w, 0, <N>), block(w, <SLOPE>, <N>)
    clock[LOSS] = evaluate(w, 0, <SLOPE>, <ARGUMENTS>)
    counts[EVALUATIONS] += 1
    for i in range(<N>):
        if not abs(slope[i]) < np.inf:
            clock[H] = np.nan
'''

_CHOOSE = """    if clock[H] != 0.0:
        return
    # Hairer's rule, as in SciPy: from the first two derivatives.
    trial, slope_new = block(w, 1, <N>), block(w, <SLOPE_NEW>, <N>)
    size, slopes, bent = 0.0, 0.0, 0.0
    for i in range(<N>):
        scale = atol + rtol * abs(y[i])
        size += (y[i] / scale) ** 2
        slopes += (slope[i] / scale) ** 2
    size, slopes, left = math.sqrt(size / <N>), math.sqrt(slopes / <N>), t_end - clock[T]
    h = min(left, 1e-6 if size < 1e-5 or slopes < 1e-5 else 0.01 * size / slopes)
    for i in range(<N>):
        trial[i] = y[i] + h * slope[i]
    evaluate(w, 1, <SLOPE_NEW>, <ARGUMENTS>)
    counts[EVALUATIONS] += 1
    for i in range(<N>):
        trial[i] = y[i]
        bent += ((slope_new[i] - slope[i]) / (atol + rtol * abs(y[i]))) ** 2
    most = max(slopes, math.sqrt(bent / <N>) / h)
    longer = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** <ROOT>
    clock[H] = min(100.0 * h, longer, left)
"""
