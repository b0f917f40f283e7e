"""Two layers from W(0) = alpha I, in coordinates in which the determinant is not lost.

They keep W = [[x, y], [y, w]] symmetric and positive definite. The determinant is of the size of
exp(-t^(2/3)), but its logarithm q may be followed for any time; then w = (y^2 + e^q) / x.
"""

import numpy as np

import dynlens as dl

W = "((y**2 + exp(q)) / x)"
LOSS = f"((y - 1)**2 + {W}**2 / 2)"
NORMS = {
    "Frobenius": f"sqrt(x**2 + 2 * y**2 + {W}**2)",
    "nuclear": f"x + {W}",
    "spectral": f"(x + {W} + sqrt((x - {W})**2 + 4 * y**2)) / 2",
    "Schatten-1/2": f"x + {W} + 2 * exp(q / 2)",
}
FIELDS = {"x": "-2 * y * (y - 1)", "y": f"-((x + {W}) * (y - 1) + y * {W})", "q": f"-2 * {W}"}


def reduced(alpha, t_end=1e6):
    return dl.SystemPath(FIELDS, {"x": alpha, "y": 0.0, "q": 2 * float(np.log(alpha))}, t_end)


SOME = (reduced(0.1), reduced(1.0))
