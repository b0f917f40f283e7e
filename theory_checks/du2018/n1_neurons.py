"""Every neuron conserves a difference of squares, whatever the loss and the data.

Du, Hu & Lee (2018), Theorem 2.1, and for s(c z) = c^k s(z): |w_j|^2 + b_j^2 - k a_j^2, since
z s'(z) = k s(z). As a rate it vanishes at every state where s is differentiable.
"""

import dynlens as dl

from .cases import CUBED, LEAKY, RELU, SMOOTH, SQUARED, TANH

SIZE = "sum(W^2) * gradient_norm + gradient_norm"

theorem = dl.Theorem(
    "N4.1",
    "each neuron of a homogeneous network conserves its balance",
    source="du2018algorithmic, Theorem 2.1",
    claims={
        "rate": dl.RateLaw("balance", "0", scale=SIZE),
        "along a flow": dl.Check(dl.Conserved("balance"), [SMOOTH]),
    },
    on=[RELU, LEAKY, SQUARED, CUBED],
    false={
        "k left out": {"of": "no_power", "on": [SQUARED]},
        "k on the inner side": {"of": "inner_power", "on": [CUBED]},
        "bias left out": {"of": "no_bias", "on": [RELU]},
        "between neurons": {"of": "gram", "on": [RELU]},
        "tanh": {"on": [TANH]},
        "k left out, along the flow": {"claim": "along a flow", "of": "no_power"},
    },
)
