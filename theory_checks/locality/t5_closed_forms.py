"""The surrogate of a bilinear function, in closed form.

Let f = x_P^T C x_Q, x_Q Gaussian. With k equal singular values and no others,

    R = Gamma(k/2) / (sqrt(pi) Gamma((k+1)/2)),

and with two, z = (s1 - s2) / (s1 + s2), R = (2/pi) (z + 1/z) arctan z: the doubled angles of C x
are wrapped Cauchy (derived). At rank one R has a corner: 1 - R = (4/pi) s2/s1 (1 + o(1)).
"""

import dynlens as dl

from . import algebra, gradients
from .gradients import RATIOS, Integrated

theorem = dl.Theorem(
    "L.T5",
    "the surrogate of a bilinear function in closed form",
    source="surrogate of razin2022implicit (code); derived",
    claims={
        "flat": dl.Identities("a Beta integral, for every k", algebra.flat),
        "two values": dl.Identities("wrapped Cauchy angles, term by term", algebra.two_values),
        "corner": dl.Identities("1 - R over s2 / s1 tends to 4/pi", algebra.corner),
        "drawn": dl.Check(dl.Mean("absolute", "flat"), gradients.FLAT),
        "integrated": dl.Check(dl.Equal("integral", "closed", tolerance=1e-11), [Integrated()]),
        **{
            f"at {ratio:g}": dl.Check(
                dl.Equal("integral", value, tolerance=2e-9), [Integrated((ratio,))]
            )
            for ratio, value in RATIOS.items()
        },
    },
    false={
        "(2/pi) z arctan z": {"claim": "integrated", "right": "without_the_inverse"},
        "2/pi for every k": {"claim": "drawn", "value": "flat_two", "on": gradients.FLAT[2:]},
        "2/pi for every spectrum": {"claim": "integrated", "right": "flat"},
        "corner 2/pi": {"claim": "corner", "derive": algebra.wrong_corner},
    },
)
