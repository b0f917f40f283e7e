"""What a problem does in time: flow, descent, modified flows, and the trajectories they leave."""

from dynlens.support.lazy import attach

_HOME = {
    "Batch": ".batches",
    "Event": ".events",
    "Trajectory": ".trajectory",
    "frozen_scalar_field": ".modified",
    "gradient_descent": ".descent",
    "gradient_descent_batch": ".batches",
    "gradient_flow": ".flow",
    "gradient_flow_batch": ".batches",
    "load": ".trajectory",
    "log_times": ".times",
    "loss_below": ".events",
    "modified_descent": ".phases",
    "modified_field": ".modified",
    "modified_flow": ".phases",
    "principal_field": ".modified",
    "starts": ".batches",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
