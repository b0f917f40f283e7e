r"""Explicit Runge-Kutta methods as data.

Stage j is :math:`k_j = f(y + h \sum_l a_{jl} k_l)`, the new state :math:`y + h \sum_j b_j k_j`; its
derivative is the last stage and the first one of the next step. A row of coefficients is a
mapping from stages to numbers, without zeros.

Between the ends of a step the state is :math:`y + h \sum_j b_j(x) k_j` with x from 0 to 1 and

.. math:: b(x) = x (F_0 + (1-x) (F_1 + x (F_2 + (1-x) (F_3 + \cdots)))),

a form of Hairer's in which :math:`F_0` are the weights themselves, so that both ends are met.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dynlens.stepping import dop853

Row = dict[int, float]


@dataclass(frozen=True)
class Tableau:
    """Coefficients of one method.

    Parameters
    ----------
    name : str
    order : int
    stages : tuple of rows
        Of the stages before the new state, the first of them empty.
    weights : row
    errors : tuple of rows
        One row: the embedded method's difference. Two rows: Hairer's combination of a fifth and
        a third order estimate.
    estimate_order : int
        The error estimate is of this order in h.
    dense : tuple of rows
        ``F_0, F_1, ...``.
    power, damping : float
        The next step is ``0.9 error^-power previous_error^damping`` times this one (Gustafsson's PI
        control). Multiples of 1/128, so that square roots will do (see `loops.tableau`). Undamped,
        order eight has a fifth of its steps refused where stability limits them; damped four times
        as much as it is, they come to be half as long as they could.
    stable : float
        The step is stable for ``h * curvature`` up to this.
    extra : tuple of rows
        Stages beyond the new state's that the interpolant alone needs.
    """

    name: str
    order: int
    stages: tuple[Row, ...]
    weights: Row
    errors: tuple[Row, ...]
    estimate_order: int
    dense: tuple[Row, ...]
    power: float
    damping: float
    stable: float
    extra: tuple[Row, ...] = ()

    @property
    def count(self) -> int:
        """Stages before the new state, which is how many evaluations a step takes."""
        return len(self.stages)


def _alternating(polynomials: list[list[Fraction]], weights: Row) -> tuple[Row, ...]:
    """Rows ``F_q`` of ``x p_j(x)``, with the coefficients of p_j given from the lowest up."""
    rows: list[Row] = [{} for _ in polynomials[0]]
    for j, p in enumerate(polynomials):
        for q in range(len(rows)):
            value = sum(p) if q % 2 == 0 else p[0]  # at x = 1, then at x = 0, in turn
            rows[q][j] = float(value)
            p = [p[0] - value, *p[1:]]
            # What is left has a root there: divide by (1 - x), then by x, in turn.
            p = p[1:] if q % 2 else [sum(p[: k + 1], Fraction(0)) for k in range(len(p) - 1)]
    rows[0] = dict(weights)
    return tuple({j: a for j, a in row.items() if a} for row in rows)


def _expanded(scale: float, *factors: tuple[float, ...]) -> list[Fraction]:
    """Coefficients, from the lowest up, of a product of polynomials; each exact."""
    product = [Fraction(scale)]
    for factor in factors:
        longer = [Fraction(0)] * (len(product) + len(factor) - 1)
        for i, a in enumerate(product):
            for k, b in enumerate(factor):
                longer[i + k] += a * Fraction(b)
        product = longer
    return product


# -- Tsitouras (2011), Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying
# -- assumption. Of the pairs with six stages and the seventh for free it has the smallest error.

_TSIT5_WEIGHTS = {
    0: 0.09646076681806523,
    1: 0.01,
    2: 0.4798896504144996,
    3: 1.379008574103742,
    4: -3.290069515436081,
    5: 2.324710524099774,
}
_X = (0.0, 1.0)  # the polynomial x; one x is left out of each product below
_TSIT5_DENSE = [
    _expanded(
        -1.0530884977290216,
        (-1.3299890189751412, 1.0),
        (0.7139816917074209, -1.4364028541716351, 1.0),
    ),
    _expanded(0.1017, _X, (1.2949852507374631, -2.1966568338249754, 1.0)),
    _expanded(2.490627285651252793, _X, (1.57803468208092486, -2.38535645472061657, 1.0)),
    _expanded(-16.54810288924490272, _X, (-1.21712927295533244, 1.0), (-0.61620406037800089, 1.0)),
    _expanded(47.37952196281928122, _X, (-1.203071208372362603, 1.0), (-0.658047292653547382, 1.0)),
    _expanded(-34.87065786149660974, _X, (-1.2, 1.0), (-0.666666666666666667, 1.0)),
    _expanded(2.5, _X, (-1.0, 1.0), (-0.6, 1.0)),
]

TSIT5 = Tableau(
    name="Tsit5",
    order=5,
    stages=(
        {},
        {0: 0.161},
        {0: -0.008480655492356989, 1: 0.335480655492357},
        {0: 2.8971530571054935, 1: -6.359448489975075, 2: 4.3622954328695815},
        {
            0: 5.325864828439257,
            1: -11.748883564062828,
            2: 7.4955393428898365,
            3: -0.09249506636175525,
        },
        {
            0: 5.86145544294642,
            1: -12.92096931784711,
            2: 8.159367898576159,
            3: -0.071584973281401,
            4: -0.028269050394068383,
        },
    ),
    weights=_TSIT5_WEIGHTS,
    errors=(
        {
            0: -0.00178001105222577714,
            1: -0.0008164344596567469,
            2: 0.007880878010261995,
            3: -0.1447110071732629,
            4: 0.5823571654525552,
            5: -0.45808210592918697,
            6: 0.015151515151515152,
        },
    ),
    estimate_order=5,
    dense=_alternating(_TSIT5_DENSE, _TSIT5_WEIGHTS),
    power=22 / 128,
    damping=5 / 128,
    stable=3.5,
)


# -- Dormand & Prince's method of order 8, with Hairer's error estimates and interpolant -----------


def _differences() -> tuple[Row, ...]:
    """The first rows of its interpolant: Hermite's, from the values and slopes at both ends."""
    weights, new = dop853.WEIGHTS, len(dop853.STAGES)
    start = {0: 1 - weights[0], **{j: -b for j, b in weights.items() if j}}
    both = {0: 2 * weights[0] - 1, **{j: 2 * b for j, b in weights.items() if j}, new: -1.0}
    return (weights, start, both)


DOP8 = Tableau(
    name="DOP8",
    order=8,
    stages=dop853.STAGES,
    weights=dop853.WEIGHTS,
    errors=(dop853.ERROR_5, dop853.ERROR_3),
    estimate_order=8,
    dense=(*_differences(), *dop853.DENSE),
    power=7 / 64,
    damping=1 / 64,
    stable=6.1,
    extra=dop853.EXTRA,
)

TABLEAUS = {tableau.name: tableau for tableau in (TSIT5, DOP8)}
