"""Balanced factors move their product by -sum_j [W W^T]^((L-j)/L) grad l(W) [W^T W]^((j-1)/L).

Arora, Cohen & Hazan (2018), Theorem 1: a preconditioned gradient flow of W itself. Claim 1: the
preconditioner multiplies u_r v_q^T by lambda_rq > 0,

    lambda_rq = (s_r^2 - s_q^2) / (s_r^(2/L) - s_q^(2/L)), or L s_r^(2 - 2/L) where s_r = s_q.

Claim 2: for a single output w' = -|w|^(2 - 2/L) (grad + (L - 1) Pr_w grad), Pr_w the projection on
the row w.
"""

import dynlens as dl

from . import cases, laws

states = [*cases.SQUARE, *cases.RECTANGULAR, *cases.ONE_ROW]

theorem = dl.Theorem(
    "A.2",
    "end-to-end dynamics of balanced factors",
    source="arora2018optimization, Theorem 1 with Claims 1 and 2",
    claims=[
        dl.RateLaw("end_to_end", laws.preconditioned_descent, assumptions=[dl.BALANCED]),
        dl.Check(
            dl.RateLaw("end_to_end", laws.single_output, assumptions=[dl.BALANCED]), cases.ONE_ROW
        ),
        dl.Check(
            dl.Equal(laws.preconditioned_modes, laws.modes_times_eigenvalues),
            [*cases.BALANCED_FLOWS[1:], *states],
        ),
    ],
    on=[*cases.BALANCED_FLOWS, *states],
    false={
        "exponents (L - j) / L halved": {"rate": laws.exponents_halved, "on": cases.SQUARE},
        "sum over j = 1, ..., L - 1": {"rate": laws.last_term_left_out, "on": cases.SQUARE},
        "balancedness dropped": {"assumptions": [], "on": cases.UNBALANCED_STATES},
    },
)
