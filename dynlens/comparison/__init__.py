"""Gradient descent beside the flow: how far apart, since when, and why."""

from dynlens.support.lazy import attach

_HOME = {
    "Bounds": ".bounds",
    "Comparison": ".comparison",
    "FirstOrder": ".first_order",
    "a_priori_bounds": ".bounds",
    "clock_delay": ".transitions",
    "compare": ".comparison",
    "first_order_error": ".first_order",
    "leading_error": ".first_order",
    "lost_sign": ".signs",
    "observed_order": ".slopes",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
