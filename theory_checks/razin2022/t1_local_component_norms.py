"""Local components of a hierarchical factorization grow at rate L gamma sigma^(2 - 2/L).

Razin, Maman & Cohen (2022), Theorem 1, with L = L_nu the number of vectors in a local component of
the node nu: exactly so if balanced; in general, with unbalancedness eps,

    L |gamma| sigma^2 / (sigma^(2/L) + eps)  <=  |sigma'|  <=  L |gamma| (sigma^(2/L) + eps)^(L-1),

sigma' having the sign of gamma. The derivation is that of P2.T1, with L vectors instead of N. A CP
factorization is the tree of one level with its root's weight fixed; a trainable one adds a vector.
"""

import numpy as np

from dynlens import BALANCED, AtLeast, Check, Identities, RandomStates, RateLaw, Theorem
from theory_checks.razin2021.t1_component_norms import bounds, rate_law
from theory_checks.razin2022.l1_conservation import FIXED_ROOT, MEAN, TREES, along

L, SIGMA, GAMMA = "local_component_orders", "local_component_norms", "local_alignments"
# A node without the row of its own weight, or the tensor's order instead of the component's.
CHILDREN = f"({L} - 1)"


def law(rate, **changes):
    settings = {"where": f"{SIGMA} - 1e-9", "assumptions": (BALANCED,)} | changes
    return RateLaw(of=SIGMA, rate=rate, **settings)


def exact(number=L, alignment=GAMMA):
    return f"{number} * {alignment} * {SIGMA}**(2 - 2 / {number})"


def speed_at_least(low, where=SIGMA):
    """|sigma'| >= |gamma| low, sigma' having the sign of gamma."""
    return AtLeast(f"sign({GAMMA}) * d_{SIGMA}", f"Abs({GAMMA}) * {low}", where=where)


def speed_at_most(high):
    return AtLeast(f"Abs({GAMMA}) * {high}", f"sign({GAMMA}) * d_{SIGMA}", where=SIGMA)


def low(number=L):
    return f"{number} * {SIGMA}**2 / ({SIGMA}**(2 / {number}) + unbalancedness)"


def high(number=L, eps="unbalancedness"):
    return f"{number} * ({SIGMA}**(2 / {number}) + {eps})**({number} - 1)"


def sizes_of_directions(samples):
    """|C^(nu, r)|, shape (S, nodes, max R): the tensor of one component alone, over its norm."""
    model, theta = samples.problem.model, samples.theta
    norms = samples.read(SIGMA)
    sizes = np.full_like(norms, np.nan)
    for k, node in enumerate(model.interior):
        for r in range(node.width):
            alone = [factor.copy() for factor in model.unravel(theta)]
            others = np.arange(node.width) != r
            for child in node.children:
                alone[model.nodes[child].factor][..., :, others] = 0.0
            tensor = model.end_to_end(tuple(alone)).reshape(len(theta), -1)
            sizes[:, k, r] = np.linalg.norm(tensor, axis=-1) / norms[:, k, r]
    return sizes


def with_unit_directions(samples):
    number, norms = samples.read(L)[..., None], samples.read(SIGMA)
    alignment = samples.read(GAMMA) / sizes_of_directions(samples)
    return number * alignment * norms ** (2 - 2 / number)


MODELS = (*TREES.values(), FIXED_ROOT)


def random_states(start, scale=1.0, models=MODELS):
    return tuple(
        RandomStates(model, start, scale, loss=MEAN, fraction=0.7, count=5) for model in models
    )


# Large enough that the flow moves: from small starts it hardly does, and a wrong exponent hides.
SCALES = {"binary, N = 8": 0.9}
flows = tuple(along(model, SCALES.get(name, 1.1), "balanced") for name, model in TREES.items())
balanced = flows + random_states("balanced")
spread = tuple(along(model, scale) for model in TREES.values() for scale in (0.2, 0.6, 0.8))
even = random_states("balanced", 1.1)
scattered = random_states("gaussian") + random_states("gaussian", 0.6)
one_level = TREES["one level, N = 3"]
several_levels = random_states(
    "gaussian", 0.8, [model for name, model in TREES.items() if "level" not in name]
)

theorem = Theorem(
    id="P3.T1",
    title="growth of the local component norms of a hierarchical factorization",
    source="razin2022implicit, Theorem 1; lower bound sharpened by AM-GM",
    checks=(
        Check(Identities("sigma' = K gamma sigma^(2 - 2/K), any number K of vectors", rate_law)),
        Check(Identities("the bounds, from AM-GM and from m_k <= m + eps", bounds)),
        Check(law(exact(), tolerance=1e-10), balanced),
        Check(speed_at_least(low()), spread + scattered),
        Check(speed_at_least(f"{L} * {SIGMA}**(2 - 2 / {L})"), spread + scattered),
        Check(speed_at_most(high()), spread + scattered),
        # One level: 2 - 2/(N + 1) with a trainable root, 2 - 2/N without.
        Check(law(exact("(order + 1)")), (along(one_level, 1.1, "balanced"),)),
        Check(law(exact("order")), random_states("balanced", models=(FIXED_ROOT,))),
    ),
    controls={
        "L - 1 in place of L": Check(law(exact(CHILDREN)), even),
        "N in place of L": Check(law(exact("order")), even),
        "one level, trainable root, exponent 2 - 2/N": Check(
            law(exact("order")), random_states("balanced", models=(one_level,))
        ),
        "balancedness dropped": Check(law(exact(), assumptions=()), scattered),
        "upper bound without eps": Check(speed_at_most(high(eps="0")), scattered),
        "bounds with L - 1 in place of L": Check(speed_at_most(high(CHILDREN)), several_levels),
        "direction tensors of unit norm": Check(law(with_unit_directions), even),
        "not reversed where gamma < 0": Check(
            AtLeast(f"d_{SIGMA}", f"{GAMMA} * {low()}", where=SIGMA), scattered
        ),
    },
)
