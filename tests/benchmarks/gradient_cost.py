"""Cost of one gradient against the number of observed entries, the order and the width.

Run it on a quiet machine: ``python tests/benchmarks/gradient_cost.py``. It prints the time of the
compiled gradient for each size and the exponent fitted to it, ``time ~ size**exponent``. A
hierarchical factorization multiplies by width-by-width weights, hence an exponent of two there.
"""

import time

import numpy as np

from dynlens import (
    CPFactorization,
    Entries,
    HierarchicalTensor,
    Problem,
    SquaredLoss,
    binary_tree,
)

SIZE = 8
ENTRIES, ORDER, WIDTH = 500, 4, 20
SWEEPS = {
    "entries": (250, 500, 1000, 2000, 4000),
    "order": (4, 5, 6, 7, 8),
    "width": (32, 64, 128, 256),
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
    problem = Problem(model, SquaredLoss(), observed(model.tensor_shape, count))
    theta = problem.init(0.3, seed=0)
    field, best = problem.compiled_field, np.inf
    field(0.0, theta)
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(20):
            field(0.0, theta)
        best = min(best, (time.perf_counter() - start) / 20)
    return best


def sweep(make, axis):
    sizes = np.array(SWEEPS[axis])
    given = {"entries": ENTRIES, "order": ORDER, "width": WIDTH}
    times = []
    for size in sizes:
        now = given | {axis: int(size)}
        times.append(seconds(make(now["order"], now["width"]), now["entries"]))
    return sizes, np.array(times)


def main():
    print(f"modes of size {SIZE}; unless swept: {ENTRIES} entries, order {ORDER}, width {WIDTH}")
    for name, make in (("CP", cp), ("tree", tree)):
        for axis in SWEEPS:
            sizes, times = sweep(make, axis)
            slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
            shown = "  ".join(f"{n}: {1e6 * t:.0f}" for n, t in zip(sizes, times, strict=True))
            print(f"{name:5s} {axis:8s} exponent {slope:5.2f}   (us)  {shown}")


if __name__ == "__main__":
    main()
