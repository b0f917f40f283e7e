"""Many starts at once: the runs that one start at a time would make, for less time."""

from dynlens.batches.batch import Batch
from dynlens.batches.descents import gradient_descent_batch
from dynlens.batches.flows import gradient_flow_batch
from dynlens.batches.starts import starts

__all__ = ["Batch", "gradient_descent_batch", "gradient_flow_batch", "starts"]
