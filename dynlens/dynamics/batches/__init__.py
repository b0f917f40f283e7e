"""Many starts at once: the runs that one start at a time would make, for less time."""

from dynlens.dynamics.batches.batch import Batch
from dynlens.dynamics.batches.descents import gradient_descent_batch
from dynlens.dynamics.batches.flows import gradient_flow_batch
from dynlens.dynamics.batches.starts import starts

__all__ = ["Batch", "gradient_descent_batch", "gradient_flow_batch", "starts"]
