"""What the theorems of Arora et al. (2018, 2019) derive by algebra."""

from functools import reduce
from itertools import pairwise

import sympy as sp

from dynlens.symbolic import along_flow


def matrix(name, rows, columns):
    return sp.Matrix(rows, columns, lambda i, k: sp.Symbol(f"{name}_{i}{k}"))


def rates_for_any_gradient(widths=(2, 3, 2, 2)):
    """Rate of a general linear combination of the imbalances' entries, for each j."""
    factors = [matrix(f"w{j}", above, below) for j, (below, above) in enumerate(pairwise(widths))]
    end_to_end = reduce(lambda product, factor: factor * product, factors)
    # At a given state, a loss with gradient G moves the factors as <G, W> does.
    slope = (matrix("g", *end_to_end.shape).T * end_to_end).trace()
    fields = {w: -sp.diff(slope, w) for factor in factors for w in factor}
    combined = {}
    for j, (below, above) in enumerate(pairwise(factors), start=1):
        difference = above.T * above - below * below.T
        weighted = (matrix("c", *difference.shape) * difference).trace()
        combined[f"j = {j}"] = along_flow(weighted, fields)
    return combined


def determinant_from_singular_values():
    """The product rule for s_r that grow at the rate -L s_r^(2 - 2/L) g_r."""
    L, *s = sp.symbols("L s_1:4", positive=True)
    g = sp.symbols("g_1:4")
    rates = {s_r: -L * s_r ** (2 - 2 / L) * g_r for s_r, g_r in zip(s, g, strict=True)}
    sum_of_terms = sum(s_r ** (1 - 2 / L) * g_r for s_r, g_r in zip(s, g, strict=True))
    return {"product of three": along_flow(sp.prod(s), rates) + L * sp.prod(s) * sum_of_terms}
