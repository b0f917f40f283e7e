"""With the regularizer, local components grow by the law that they have without it.

If l is replaced by l + lambda R, a function of the end-to-end tensor too, then

    sigma' = L gamma sigma^(2 - 2/L),    gamma = <-grad (l + lambda R)(W), C>,

from balanced starts (P3.T1); singular values of a matrix likewise (A.3). So the regularizer cannot
create a local component that is zero, and its pull on a small one is as weak as the loss's
(derived). States for |cos|, paths for cos^2: on finitely many inputs |cos| has corners.
"""

import dynlens as dl

from . import flows

settings = {"where": "s - 1e-9", "readings": flows.NAMES, "assumptions": (dl.BALANCED,)}
LAW = "L * gamma * s**(2 - 2 / L)"
MATRIX = "depth * alignment * singular_values**(2 - 2 / depth)"

theorem = dl.Theorem(
    "L.T7",
    "the law of local components under the regularizer",
    source="razin2022implicit, Theorem 1, for l + lambda R; derived",
    claims={
        "local components": dl.Check(
            dl.RateLaw("local_component_norms", LAW, tolerance=1e-10, **settings),
            flows.SCATTERED + flows.PATHS,
        ),
        "singular values": dl.Check(
            dl.RateLaw("singular_values", MATRIX, tolerance=1e-9, assumptions=(dl.BALANCED,)),
            flows.MATRICES + flows.MATRIX_PATHS,
        ),
        "zero stays zero": dl.Check(
            dl.Equal("zero", "0", scale="largest", tolerance=1e-13), flows.ZERO
        ),
    },
    false={
        "2 in the place of L": {"rate": LAW.replace("L", "2"), "on": flows.SCATTERED},
        "alignment with the loss alone": {"rate": flows.rate_by_the_loss, "on": flows.SCATTERED},
        "no component stays zero": {"claim": "zero stays zero", "left": "largest"},
    },
)
