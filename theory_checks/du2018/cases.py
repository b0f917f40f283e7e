"""Four neurons on eight points, under losses of prediction and label."""

import numpy as np

import dynlens as dl

RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 3))
Y = np.sign(RNG.standard_normal(8))
NORMS = "sum(W * W, 1) + b * b"


def neurons(activation, loss="sum(log(1 + exp(-y * f)))", power=1, t_end=2.0):
    """A flow, and by name the law of each neuron and what is not one."""
    problem = dl.objective(
        loss.replace("f", f"({activation.format('X @ W.T + b')} @ a)"),
        parameters={"W": (4, 3), "b": 4, "a": 4},
        data={"X": X, "y": Y},
        define={
            "balance": f"{NORMS} - {power} * a * a",
            "no_power": f"{NORMS} - a * a",
            "no_bias": f"sum(W * W, 1) - {power} * a * a",
            "inner_power": f"{power} * ({NORMS}) - a * a",
            "gram": f"W @ W.T + outer(b, b) - {power} * outer(a, a)",
        },
    )
    start = 0.7 * np.random.default_rng(5).standard_normal(20)
    return dl.Path(problem, tuple(start.tolist()), t_end, rtol=1e-11)


def states(activation, power, loss="sum(log(1 + exp(-y * f)))"):
    """Random states of the same network."""
    rows = 0.7 * np.random.default_rng(6).standard_normal((30, 20))
    return dl.States(neurons(activation, loss, power).problem, tuple(map(tuple, rows.tolist())))


LOGISTIC, SQUARES = "sum(log(1 + exp(-y * f)))", "sum((f - y)**2) / 2"
RELU, LEAKY = states("relu({})", 1), states("leaky_relu({}, 0.1)", 1, SQUARES)
SQUARED, CUBED = states("relu({})**2", 2), states("({})**3", 3, SQUARES)
SMOOTH = neurons("relu({})**2", power=2)
TANH = states("tanh({})", 1)
