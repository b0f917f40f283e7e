"""On a quadratic: descent, the principal flow, and the thresholds 1 and 2 of eta times curvature.

Descent multiplies an eigencomponent by (1 - eta lambda) at each step; the principal flow is descent
itself while eta lambda < 1 (Rosca et al. 2023), the modified flow of Barrett & Dherin (2021) decays
at rate lambda + eta lambda^2 / 2, so that it cannot show the instability beyond eta lambda = 2. The
loss falls in a step exactly if eta times the curvature *along the gradient* is below 2. A minimizer
with lambda_max > 2 / eta is unstable for descent (Cohen et al. 2021).
"""

import dynlens as dl
from dynlens.claims.orders import Recursion

from . import algebra, thresholds
from .cases import TWO_LAYERS
from .thresholds import agreement, final_sharpness, parabola, parabolas, settled

principal_flow = {
    eta: dl.ClosedForm("Abs(end_to_end)", "exp(log(Abs(1 - eta)) * t / eta)", given={"eta": eta})
    for eta in (0.5, 2.5)
}
end = {eta: dl.AtLeast(2 / eta, final_sharpness, after=1.0) for eta in (0.2, 0.35)}
later = "exp(-log(1 + eta) * t / eta)"
# At eta lambda = 2.5 it contracts by exp(-5.6) a step where descent grows by 1.5.
contracting = "exp(-(1 + eta / 2) * t)"
no_quadratic = [dl.BackwardError(TWO_LAYERS, (1.7, 0.3), (0.1, 0.05))]

theorem = dl.Theorem(
    "F3",
    "quadratics, the principal flow, and stability",
    source="rosca2023continuous; barrett2021implicit; cohen2021gradient; derived",
    claims={
        "algebra": dl.Identities("change of the loss in one step", algebra.change_of_the_loss),
        "change": Recursion("loss", increment=thresholds.predicted_change),
        "criterion": dl.AtLeast(agreement(thresholds.along_gradient), 0),
        "exact": dl.Check(
            dl.Equal("to_principal", 0, scale=1, tolerance=1e-10), thresholds.QUADRATICS
        ),
        "factor": dl.Check(Recursion("end_to_end", factor="1 - eta"), thresholds.PARABOLAS),
        **{f"eta = {e}": dl.Check(law, [parabola(e, 20)]) for e, law in principal_flow.items()},
        "below 1": dl.Check(dl.AtLeast("end_to_end", 0), parabolas(0.5, 0.99)),
        "below 2": dl.Check(dl.AtLeast("loss_0", "loss"), parabolas(1.5, 1.99, 2.0)),
        **{f"end, {eta}": dl.Check(bound, [settled(eta)]) for eta, bound in end.items()},
    },
    on=thresholds.ELLIPSE,
    false={
        "the principal flow with log(1 + eta lambda)": {"claim": "eta = 0.5", "right": later},
        "the principal flow is exact beyond quadratics": {"claim": "exact", "on": no_quadratic},
        "the modified flow is exact": {"claim": "exact", "left": "to_first"},
        "the modified flow is unstable beyond 2": {"claim": "eta = 2.5", "right": contracting},
        "stable beyond 2": {"claim": "below 2", "on": parabolas(2.01)},
        "no oscillation beyond 1": {"claim": "below 1", "on": parabolas(1.5)},
        # eta lambda_max = 2.08 predicts an increase; the loss falls by .052.
        "the criterion with lambda_max": {"left": agreement(thresholds.sharpness)},
        "converges with sharpness below 1 / eta": {"claim": "end, 0.2", "left": 1 / 0.2},
        "ends with sharpness 2 / eta": {
            "claim": "end, 0.35",
            "left": final_sharpness,
            "right": 2 / 0.35,
        },
    },
)
