"""All that is to be found out on a machine with a GPU, in one call.

``python -m dynlens.bench.gpu`` runs the tests on every device, compares descent with the numpy loop
and with closed forms, and prints its throughput beside what the device could do at most. It runs on
a CPU too: ``python -m dynlens.bench.gpu --device cpu --largest 64 --seconds 0.2``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dynlens.bench.agreement import STEPS, agreement_problems, weight_gaps
from dynlens.bench.device import Clock, Roof, Throughput, roof, throughput
from dynlens.bench.measure import machine
from dynlens.bench.problems import PROBLEMS
from dynlens.cases.descents import DescentCase
from dynlens.catalogue import theorem
from dynlens.claims.orders import Order
from dynlens.dynamics.on_torch.loop import Place
from dynlens.dynamics.on_torch.problem import checked_device, load_torch

NAMES = ("B2", "B3", "B5", "B4")


def tell_agreement(device: str) -> None:
    """Print how far the backends' weights are from the numpy loop's."""
    rows = {name: weight_gaps(problem, device) for name, problem in agreement_problems().items()}
    heads = list(rows["CP"])
    print(f"\nweights after {STEPS} steps: largest gap to numpy, relative")
    print("".join(f"{head:>16}" for head in ["problem", *heads]))
    for name, gaps in rows.items():
        print(f"{name:>16}" + "".join(f"{gaps[head]:>16.1e}" for head in heads))


def tell_closed_forms(device: str) -> None:
    """Print what becomes of theorem F2.D, closed forms against descent, with the device's descent.

    The distance of descent to the flow is of order 1 in the step, and of order 2 once the leading
    error has been subtracted.
    """
    print("\nclosed forms of the flow against descent on the device (F2.D)")
    for check in theorem("F2.D").checks:
        law = check.claim
        for case in check.cases:
            assert isinstance(case, DescentCase)
            assert isinstance(law, Order)
            verdict = law.check(replace(case, backend="torch", device=device))
            less = ", less the leading error" if law.remainder else ""
            print(f"  {verdict.status}  {case.problem.model!r}: {law.quantity}{less}")
            print(f"    {verdict.note}")


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
    tests = Path(__file__).parents[2] / "tests" / "on_torch"
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
    tell_agreement(given.device)
    tell_closed_forms(given.device)
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
