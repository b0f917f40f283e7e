"""Among the solutions of the completion problem, small norms mean a small unobserved entry.

Razin & Cohen (2020), Proposition 1. Over {W : W_12 = W_21 = 1, W_22 = 0}, near-minimizers of any
(quasi-)norm have their entry W_11 = x in a bounded set; for every Schatten-p (quasi-)norm,
0 < p <= oo, the only minimizer has x = 0, and norm 2^(1/p).
"""

import sympy as sp

from dynlens import AtLeast, Check, Equal, Identities, Reading, States, Theorem, completion_problem

ENTRY = {"x": Reading("end_to_end", where=(0, 0))}
ENTRIES = (1.0, 2.0, 0.0, 30.0, 1e3, 5.0, 0.5, 0.1, 1e-3, -0.3, -2.0, -1e3)

solutions = States(completion_problem(1), tuple((x, 1.0, 1.0, 0.0) for x in ENTRIES))


def schatten(p):
    return ENTRY | {"norm": Reading("schatten_norm", parameters=(("p", p),))}


def closed_form(p):
    """(e^(p u) + e^(-p u))^(1/p) with u = asinh(|x| / 2): least, and 2^(1/p), at x = 0 alone."""
    form = f"(2 * cosh({p} * asinh(Abs(x) / 2)))**(1 / {p})"
    return Equal(left="norm", right=form, readings=schatten(p))


def grows_with_the_entry(norm, readings=ENTRY, c=1.0, first=1.0, others=1.0):
    """norm(W) >= |x| norm(E_11) / c - norm(E_12 + E_21): where |x| is large, so is the norm."""
    return AtLeast(left=norm, right=f"{first / c!r} * Abs(x) - {others!r}", readings=readings)


def schatten_grows(p):
    c = max(1.0, 2 ** (1 / p - 1))  # of the weak triangle inequality
    return grows_with_the_entry("norm", schatten(p), c, others=2 ** (1 / p))


def least_at_zero():
    """W^T W has eigenvalues e^(2u), e^(-2u) if x = 2 sinh(u), and their powers have sum >= 2."""
    p, u, t = sp.symbols("p u t", positive=True)
    W = sp.Matrix([[2 * sp.sinh(u), 1], [1, 0]])
    characteristic = (W.T * W - t * sp.eye(2)).det()
    return {
        "eigenvalues": characteristic - (t - sp.exp(2 * u)) * (t - sp.exp(-2 * u)),
        "sum - 2 is a square": sp.exp(p * u) + sp.exp(-p * u) - 2 - 4 * sp.sinh(p * u / 2) ** 2,
    }


# A norm that is not least at x = 0; E_11 has norm 1 in it, and E_12 + E_21 norm 3.
TILTED = "Abs(x - w12) + Abs(w12) + Abs(w21) + Abs(w22)"
NAMED = ENTRY | {
    f"w{i + 1}{j + 1}": Reading("end_to_end", where=(i, j)) for i, j in ((0, 1), (1, 0), (1, 1))
}

powers = (0.3, 0.5, 1, 2, 5)

theorem = Theorem(
    id="P1.P1",
    title="norm minimizers over the solutions are bounded",
    source="razin2020implicit, Proposition 1",
    checks=(
        *(Check(closed_form(p), (solutions,)) for p in powers),
        Check(
            Equal(left="spectral_norm", right="exp(asinh(Abs(x) / 2))", readings=ENTRY),
            (solutions,),
        ),
        Check(Identities("every Schatten norm is least at x = 0 alone", least_at_zero)),
        *(Check(schatten_grows(p), (solutions,)) for p in powers),
        Check(grows_with_the_entry("spectral_norm"), (solutions,)),
        Check(grows_with_the_entry(TILTED, NAMED, others=3.0), (solutions,)),
    ),
    controls={
        "every norm is least at x = 0": Check(
            AtLeast(left=TILTED, right="2 * Abs(w12) + Abs(w21) + Abs(w22)", readings=NAMED),
            (solutions,),
        ),
        "least value 2^p": Check(
            AtLeast(left="norm", right="2**2", readings=schatten(2)), (solutions,)
        ),
        "minimizer at |x| = 1": Check(
            AtLeast(left="nuclear_norm", right="2 * cosh(asinh(1 / 2))"), (solutions,)
        ),
        "norms grow twice as fast": Check(
            grows_with_the_entry("spectral_norm", first=2.0), (solutions,)
        ),
    },
)
