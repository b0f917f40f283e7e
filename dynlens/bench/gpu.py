"""All that is to be found out on a machine with a GPU, in one call.

``python -m dynlens.bench.gpu`` runs the tests on every device, compares descent with a closed form,
and prints the throughput of gradient descent beside what the device could do at most. It runs on
a CPU too: ``python -m dynlens.bench.gpu --device cpu --largest 64 --seconds 0.2``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.bench.device import Clock, Roof, Throughput, roof, throughput
from dynlens.bench.measure import machine
from dynlens.bench.problems import PROBLEMS
from dynlens.losses import SquaredLoss
from dynlens.models.deep_linear import DeepLinear
from dynlens.observations import Full
from dynlens.on_torch.loop import Place, descend
from dynlens.on_torch.problem import checked_device, load_torch
from dynlens.problem import Problem
from dynlens.typing import Array

NAMES = ("B2", "B3", "B5", "B4")
SINGULAR = np.array([2.0, 1.0, 0.5])


def closed_form_gaps(
    etas: Sequence[float], *, device: str = "cpu", dtype: str = "float64"
) -> tuple[Array, Array]:
    r"""How far descent is from the closed form of the flow, and from its corrected clock.

    Parameters
    ----------
    etas : sequence of float
        Step sizes that divide the end, t = 4.
    device, dtype : str

    Returns
    -------
    plain, corrected : ndarray, shape (len(etas),)
        Largest gaps of the singular values: of order 1 and 2 in eta.

    Notes
    -----
    Two layers, everything observed, an aligned balanced start: each singular value is
    :math:`s = a^2` with :math:`\dot a = f(a) = a (\sigma - a^2)`, a logistic curve. Descent follows
    :math:`\dot a = f - \tfrac{\eta}{2} f' f` to second order, which is the flow on the clock
    :math:`t - \tfrac{\eta}{2} \log (f(a(t)) / f(a(0)))`.
    """
    problem = Problem(DeepLinear((3, 3, 3)), SquaredLoss(), Full(np.diag(SINGULAR)))
    sizes = np.array([0.01, 0.03, 0.1])  # a(0)^2, for as many runs
    starts = np.stack([np.tile(np.sqrt(size) * np.eye(3).ravel(), 2) for size in sizes])

    def singular(t: Any) -> Any:
        return SINGULAR / (1 + (SINGULAR / sizes[:, None] - 1) * np.exp(-2 * SINGULAR * t))

    def speed(s: Any) -> Any:
        return np.sqrt(s) * (SINGULAR - s)

    gaps = []
    for eta in etas:
        marks = np.linspace(0, round(4 / eta), 9).round().astype(np.int64)
        runs = descend(
            problem, starts, eta, marks=marks,
            observables=("singular_values",), device=device, dtype=dtype,
        )  # fmt: skip
        t = eta * marks[:, None, None]
        flow = singular(t)
        shifted = singular(t - 0.5 * eta * np.log(speed(flow) / speed(flow[:1])))
        found = runs.observed["singular_values"]
        gaps.append([np.abs(found - curve).max() for curve in (flow, shifted)])
    plain, corrected = np.transpose(gaps)
    return plain, corrected


def tell_closed_form(device: str) -> None:
    """Print the gaps to the closed form and their orders in eta."""
    etas = (0.04, 0.02, 0.01)
    plain, corrected = closed_form_gaps(etas, device=device)
    print("\nClosed form of two layers, aligned: gap of the singular values, order in eta")
    for name, gaps in (("the flow", plain), ("on the corrected clock", corrected)):
        orders = np.log2(gaps[:-1] / gaps[1:])
        told = "  ".join(f"{gap:.2e}" for gap in gaps)
        print(f"  {name:<24} {told}   orders {', '.join(f'{o:.3f}' for o in orders)}")


def tell_throughput(rows: Sequence[Throughput], top: Roof, dtype: str) -> None:
    """Print a table, with shares of the roof."""
    print(f"\n{dtype}: copy {top.bytes / 1e9:.1f} GB/s, matrix product {top.flops / 1e9:.1f} GF/s")
    print("gradient steps x runs per second")
    rate_heads = ["ours", "autograd", "one run", "numba, 1 core"]
    heads = ["problem", "batch", *rate_heads, "of copy", "of product"]
    print("".join(f"{head:>15}" for head in heads))
    for row in rows:
        shares = row.ours * row.work.bytes / top.bytes, row.ours * row.work.flops / top.flops
        rates = (row.ours, row.autograd, row.alone, row.numba)
        cells = [row.name, str(row.batch), *(f"{rate:,.0f}" for rate in rates)]
        cells += [f"{share:.1%}" for share in shares]
        print("".join(f"{cell:>15}" for cell in cells))


def run_tests() -> int:
    """Run the tests of torch on every device that is there, if this is a checkout."""
    tests = Path(__file__).parents[2] / "tests" / "unit" / "test_torch.py"
    if not tests.exists():
        print("no tests here: run this from a checkout")
        return 1
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", str(tests)]
    return subprocess.run(command, cwd=tests.parents[2], check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; the exit status is that of the tests."""
    parser = argparse.ArgumentParser(prog="python -m dynlens.bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument("--problems", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--largest", type=int, default=65536, help="largest batch")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--roof", type=int, default=8192, help="size of the matrices of the roof")
    parser.add_argument("--no-tests", action="store_true")
    given = parser.parse_args(arguments)
    torch, device = load_torch(), checked_device(given.device)
    print(f"machine: {machine()}")
    if device.type == "cuda":
        print(f"device: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}")
    status = 0 if given.no_tests else run_tests()
    tell_closed_form(given.device)
    for dtype in given.dtypes:
        place = Place.of(given.device, dtype)
        with place.quiet():
            clock = Clock(place, given.seconds)
            top = roof(clock, given.roof)
            rows = [throughput(PROBLEMS[name], clock, given.largest) for name in given.problems]
        tell_throughput(rows, top, dtype)
    return status


if __name__ == "__main__":
    load_torch().set_num_threads(1)  # on a CPU: one core against one core
    raise SystemExit(main())
