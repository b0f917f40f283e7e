"""Speed and accuracy of the integrators on fixed problems, beside those of other packages.

Times are of the processor, in one process, the smallest of several rounds in which everyone has
one turn. Even so they vary by a tenth or two: read ratios, and take those below 1.2 for ties.
"""

from dynlens.bench.measure import Measured, machine, measure
from dynlens.bench.problems import PROBLEMS, Bench

__all__ = ["PROBLEMS", "Bench", "Measured", "machine", "measure"]
