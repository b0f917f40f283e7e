"""Where the theorems of Arora et al. (2018, 2019) are asserted: L factors, balanced as a rule."""

import dynlens as dl

WIDTHS = ((3, 3, 3), (3, 4, 5), (5, 5, 4, 3), (2,) * 6)
NOT_ROUNDING = "singular_values - 1e-9"  # below it a singular value is a residue of rounding

BALANCED_FLOWS = tuple(
    dl.Path(dl.completion_problem(L), dl.Start(0.3, "balanced", seed=1, determinant=1), 50.0)
    for L in (2, 3, 4)
)
BALANCED_STATES = tuple(dl.RandomStates(widths, fraction=0.6) for widths in WIDTHS)
