"""An objective made of a model, a loss and observations, with the starts to train it from."""

from dynlens.support.lazy import attach

_HOME = {
    "Entries": ".observations",
    "Full": ".observations",
    "HuberLoss": ".losses",
    "Locality": ".locality",
    "Loss": ".losses",
    "Observations": ".observations",
    "Problem": ".problem",
    "RankOneSensing": ".observations",
    "RankOneSum": ".rank_one_sum",
    "Ridge": ".losses",
    "Sensing": ".observations",
    "SquaredLoss": ".losses",
    "TensorPenalty": ".penalties",
    "completion_problem": ".instances",
    "low_hierarchical_rank_tensor": ".instances",
    "low_rank_matrix": ".observations",
    "low_rank_tensor": ".observations",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
