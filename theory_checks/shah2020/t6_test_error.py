"""Whether an adaptive method predicts better is decided by the signal, not by the norm.

Features have covariance Sigma = diag(sigma_j^2), y = X w*. The risk of an interpolator w, relative
to that of zero, is (w - w*)^T Sigma (w - w*) / w*^T Sigma w*. AdaGrad by the diagonal divides by
the size of gradients, and so by that of features: it beats w_mn, with a larger norm, where the
signal is even over scaled features (w*_j = +-1/sigma_j), and loses where it is in the large ones
(w*_j = +-sigma_j). Least norm is not the gauge (Vaswani et al. 2020; instances observed: 20 draws
each). A risk above 1 is worse than that of w = 0: what is claimed is the order.
"""

import dynlens as dl

from .risks import LARGE_FEATURES, SMALL_FEATURES

first, other = [SMALL_FEATURES], [LARGE_FEATURES]

MEANS = (
    (first, {"mean_risk_mn": "1.5087", "mean_risk_adagrad": "1.1089"}),
    (first, {"mean_norm_mn": "6.1503", "mean_norm_adagrad": "8.3881"}),
    (other, {"mean_risk_mn": "0.10154", "mean_risk_adagrad": "0.2800"}),
    (other, {"mean_norm_mn": "7.7904", "mean_norm_adagrad": "13.562"}),
)

theorem = dl.Theorem(
    "Q4.T6",
    "test errors of adaptive methods, in both directions",
    source="vaswani2020each; instances observed",
    claims={
        "fitted": dl.AtLeast("1e-9", "residual"),
        "larger norm": dl.AtLeast("norm_adagrad", "norm_mn"),
        "better": dl.Check(dl.AtLeast("risk_mn", "risk_adagrad"), first),
        "worse": dl.Check(dl.AtLeast("risk_adagrad", "risk_mn"), other),
        **{
            f"{name} {value}": dl.Check(dl.Equal(name, value, tolerance=1e-3), case)
            for case, means in MEANS
            for name, value in means.items()
        },
    },
    on=[SMALL_FEATURES, LARGE_FEATURES],
    false={
        "w_mn has the least risk": {"claim": "worse", "on": first},
        "AdaGrad has the least risk": {"claim": "better", "on": other},
        "the smaller norm has the smaller risk": {
            "claim": "larger norm",
            "left": "(risk_adagrad - risk_mn) * (norm_adagrad - norm_mn)",
            "right": "0",
            "on": first,
        },
        "the larger norm has the smaller risk": {
            "claim": "larger norm",
            "left": "(risk_mn - risk_adagrad) * (norm_adagrad - norm_mn)",
            "right": "0",
            "on": other,
        },
    },
)
