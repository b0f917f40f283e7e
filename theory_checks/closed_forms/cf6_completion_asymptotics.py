"""In the completion problem |W_11| grows like ((2L + 2) t)^(L / (2L + 2)), and the loss falls.

Razin & Cohen (2020), the problem. From W(0) = alpha I at depth 2 the flow reduces to x, y, log det.
Where a side of a limit varies, the ratio of both sides tends to one.
"""

import sympy as sp

import dynlens as dl

from . import algebra, cases
from .algebra import completion_fields, completion_loss, t, x

deep = {"assumptions": [dl.BALANCED, dl.POSITIVE_DETERMINANT], "readings": cases.ENTRY}
size = "((2 * depth + 2) * t)**(depth / (2 * depth + 2))"

theorem = dl.Theorem(
    "CF6",
    "growth law of the completion problem",
    source="razin2020implicit, Theorem 1; rates derived",
    claims={
        "algebra": dl.Identities(
            "the flow reduces to (x, y, log det)",
            algebra.completion,
            show=lambda: {f"d{k}/dt": v for k, v in completion_fields.items()},
        ),
        "entry": dl.Limit(x, (6 * t) ** sp.Rational(1, 3)),
        "loss": dl.Limit(2 * completion_loss, (6 * t) ** sp.Rational(-2, 3)),
        "product": dl.Limit(x * sp.sqrt(2 * completion_loss), 1),
        "log det": dl.Limit("q - q_0", -3 * sp.root(6, -3) * t ** sp.Rational(2, 3)),
        **{
            f"L = {L}": dl.Check(
                dl.PowerLaw("Abs(w11)", "t", L / (2 * L + 2), after=5e4, band=5e-3, **deep), [path]
            )
            for L, path in zip((3, 4), cases.DEEP, strict=True)
        },
        "deep": dl.Check(dl.Limit("Abs(w11)", size, **deep), cases.DEEP),
        "deep product": dl.Check(dl.Limit("Abs(w11) * sqrt(2 * loss)", 1, **deep), cases.DEEP),
    },
    on=cases.REDUCED,
    false={
        "exponent 1/2": {"claim": "L = 3", "exponent": 1 / 2},
        "exponent L / (L + 2)": {"claim": "L = 3", "exponent": 3 / 5},
        "prefactor 2L": {"claim": "deep", "value": size.replace("+ 2) * t", ") * t")},
        "x ~ (6 t)^(1/2)": {"claim": "entry", "value": sp.sqrt(6 * t)},
        "log det ~ -t^(2/3)": {"claim": "log det", "value": -(t ** sp.Rational(2, 3))},
    },
)
