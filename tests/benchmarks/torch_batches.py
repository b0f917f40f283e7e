"""How much a run costs in a batch of 256, beside one by one, both with torch on one CPU core.

Run it as ``python tests/benchmarks/torch_batches.py``; it prints processor time of a step of a run.
"""

import time

import dynlens as dl
from dynlens.dynamics.on_torch.problem import load_torch

SIZES = (((4, 4, 4), 5, 0.5), ((6, 6, 6), 8, 0.3), ((8, 8, 8, 8), 20, 0.122))


def seconds(problem, count, steps):
    starts = dl.starts(problem, scale=0.1, seed=range(count))
    spent = []
    for total in (1, 1, 1 + steps):  # the first imports and checks
        began = time.process_time()
        dl.gradient_descent_batch(
            problem, starts, eta=1e-3, steps=total, saves=[total], backend="torch"
        )
        spent.append(time.process_time() - began)
    return (spent[2] - spent[1]) / steps / count


def main():
    load_torch().set_num_threads(1)
    print("shape, components, observed: one by one, 256 at once (us), ratio")
    for shape, components, fraction in SIZES:
        target = dl.problems.low_rank_tensor(shape, rank=2, seed=0, norm=2.0)
        seen = dl.Entries.sample(target, fraction=fraction, seed=1)
        problem = dl.Problem(dl.CPFactorization(shape, components), dl.SquaredLoss(), seen)
        alone = min(seconds(problem, 1, 400) for _ in range(3))
        together = min(seconds(problem, 256, 20) for _ in range(3))
        print(
            f"{shape}, {components}, {seen.count}: {1e6 * alone:.1f}, {1e6 * together:.1f}, "
            f"{alone / together:.1f}"
        )


if __name__ == "__main__":
    main()
