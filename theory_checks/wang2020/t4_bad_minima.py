"""The vanilla objective has bad local minima, however many components there are.

After Wang et al. (2020), with a construction of its own. The target is
T = e_1^l - b sum_k sym(e_1^(l-2) e_k^2). Wherever c_i (u_i . e_1)^(l-2) >= 0 for all i, the loss
|W - T|^2 is at least b^2 (d - 1) / (l choose 2), with equality where all u_i = e_1, c_i > 0 and
sum c_i = 1: local minima, though zero is attained with 2 d - 1 components (order 3). Of even order,
with T = -e_1^l and positive fixed c_i, zero is a local minimum.

Their basins shrink with the least c_i: descent from .1 away may turn a sign, and leave the region.
"""

import dynlens as dl

from .minima import Exact, Minimum, Wrong

third = [Minimum(2, 1.0, 3), Minimum(3, 1.0, 10), Minimum(4, 0.5, 20)]
fourth = [Minimum(3, 1.0, 6, order=4)]
turned = [Minimum(3, -1.0, 10)]
from_afar = [Minimum(3, 1.0, 10, points=1, away=0.1, both=True)]
value = "b**2 * (d - 1) / blocks"

theorem = dl.Theorem(
    "Q1.T4",
    "bad local minima of the vanilla objective",
    source="wang2020beyond; construction derived",
    claims={
        "value": dl.Check(dl.Equal("loss", value, tolerance=1e-10), [*third, *fourth]),
        "bound": dl.Check(dl.AtLeast("least", value), [*third, *fourth, Minimum(2, 0.3, 2)]),
        "descent": dl.Check(dl.Equal("returns", value, tolerance=1e-8), third),
        "zero": dl.Check(
            dl.AtLeast("1e-25", "loss", tolerance=0.0), [Exact(3, 1.0), Exact(4, 0.5)]
        ),
        "signs": dl.Check(dl.AtLeast("loss", "1"), [Wrong(), Wrong(6, 3)]),
    },
    false={
        "b turned around: descent returns": {"claim": "descent", "on": turned},
        "descent returns from .1 away": {"claim": "descent", "on": from_afar},
        "b turned around: the bound": {"claim": "bound", "on": turned},
        "value b^2 (d - 1), order 4": {"right": "b**2 * (d - 1)", "on": fourth},
        "value b^2 (d - 1) / 3, order 4": {"right": "b**2 * (d - 1) / 3", "on": fourth},
        "2 d - 1 components leave no bad minimum": {
            "claim": "zero",
            "left": "1e-3",
            "right": "returns",
            "on": third[1:],
        },
    },
)
