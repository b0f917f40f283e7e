"""Cost of one gradient against the number of observed entries, the order and the width.

Run it on a quiet machine: ``python tests/benchmarks/gradient_cost.py``. It prints the time of the
compiled gradient for each size and the exponent fitted to it, ``time ~ size**exponent``. A
hierarchical factorization multiplies by width-by-width weights, hence an exponent of two there.

A symmetric decomposition of a sum of powers needs about 2 m (m + r) d multiplications, whatever the
order, so that the exponent in the number m of components is between one and two, in the dimension
one, and in the rank r below one as long as r < m. Times are of the process, least of repeats.
"""

import time

import numpy as np

from dynlens import (
    CPFactorization,
    Entries,
    HierarchicalTensor,
    Problem,
    RankOneSum,
    SquaredLoss,
    SymmetricTensor,
)
from dynlens.models import binary_tree

SIZE = 8
ENTRIES, ORDER, WIDTH = 500, 4, 20
SWEEPS = {
    "entries": (250, 500, 1000, 2000, 4000),
    "order": (4, 5, 6, 7, 8),
    "width": (32, 64, 128, 256),
}


SYMMETRIC = {"components": 200, "dimension": 100, "rank": 20, "power": 4}
SYMMETRIC_SWEEPS = {
    "components": (125, 250, 500, 1000),
    "dimension": (25, 50, 100, 200, 400),
    "rank": (25, 50, 100),
    "power": (3, 4, 6, 8),
}


def observed(shape, count):
    """Random entries of a tensor that is never formed."""
    rng = np.random.default_rng(0)
    table = np.unique(rng.integers(0, SIZE, (2 * count, len(shape))), axis=0)
    table = rng.permutation(table)[:count]
    return Entries(shape, table, rng.standard_normal(len(table)))


def cp(order, width):
    return CPFactorization((SIZE,) * order, width)


def tree(order, width):
    return HierarchicalTensor((SIZE,) * order, binary_tree(order), widths=width)


def seconds(model, count):
    """Least time of a gradient, over repeats of many."""
    return least(Problem(model, SquaredLoss(), observed(model.tensor_shape, count)))


def least(problem):
    """Least time of the problem's gradient, over repeats of many."""
    theta = problem.init(0.3, seed=0)
    field, best = problem.compiled_field, np.inf
    field(0.0, theta)
    for _ in range(15):
        start = time.process_time()
        for _ in range(20):
            field(0.0, theta)
        best = min(best, (time.process_time() - start) / 20)
    return best


def symmetric(components, dimension, rank, power):
    """Problem of a symmetric decomposition whose tensor is never formed."""
    a = np.linspace(1.0, 0.5, rank)
    target = RankOneSum.orthogonal(a, dimension=dimension, order=power)
    model = SymmetricTensor(dimension, power, components, degree=2)
    return Problem(model, SquaredLoss(), target)


def sweep(make, axis):
    sizes = np.array(SWEEPS[axis])
    given = {"entries": ENTRIES, "order": ORDER, "width": WIDTH}
    times = []
    for size in sizes:
        now = given | {axis: int(size)}
        times.append(seconds(make(now["order"], now["width"]), now["entries"]))
    return sizes, np.array(times)


def show(name, axis, sizes, times):
    slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    shown = "  ".join(f"{n}: {1e6 * t:.0f}" for n, t in zip(sizes, times, strict=True))
    print(f"{name:9s} {axis:10s} exponent {slope:5.2f}   (us)  {shown}")


def main():
    print(f"modes of size {SIZE}; unless swept: {ENTRIES} entries, order {ORDER}, width {WIDTH}")
    for name, make in (("CP", cp), ("tree", tree)):
        for axis in SWEEPS:
            sizes, times = sweep(make, axis)
            show(name, axis, sizes, times)
    print("a symmetric decomposition; unless swept:", SYMMETRIC)
    for axis, sizes in SYMMETRIC_SWEEPS.items():
        times = [least(symmetric(**(SYMMETRIC | {axis: size}))) for size in sizes]
        show("symmetric", axis, sizes, times)
    print(f"m = 500, d = 100, r = 20, l = 4: {1e3 * least(symmetric(500, 100, 20, 4)):.2f} ms")


if __name__ == "__main__":
    main()
