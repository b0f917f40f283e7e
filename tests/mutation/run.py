"""How much of the judge its fast tests hold in place: mutants, and whether a test fails.

    python tests/mutation/run.py [--count 160] [--seed 0] [--file dynlens/verdict.py] [--list]

A sample of the changes that `mutator` can make is tried, one at a time, in a forked process that
imports the changed module and runs the tests of its file until one fails; nothing is written to
disk. Those that no test minds are printed, with the reason if `survivors.txt` has one.
"""

import argparse
import importlib.machinery
import os
import random
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # processes see the package beside this folder
sys.path.insert(0, str(Path(__file__).parent))

from mutator import Mutant, mutants, mutated  # noqa: E402

UNIT = "tests/unit/"
WORDS = ("judge/test_missing_data", "judge/test_words", "judge/test_equal_to_rounding",
         "judge/test_repeated_values")  # fmt: skip
JUDGE = ("test_judge_by_hand", "test_verdict", "test_close_refutations", "test_formulas",
         "test_fidelity", "test_claims", *WORDS, "test_calibration")  # fmt: skip
CASES = ("test_judge_by_hand", "test_runs", "test_fidelity", "test_close_refutations",
         "test_families", "test_claims", *WORDS, "test_bad_input")  # fmt: skip
TESTS = {
    "dynlens/verdict.py": (*JUDGE, "test_theorem"),
    "dynlens/claims/base.py": (*JUDGE, "test_true_variants", "test_bad_input"),
    "dynlens/claims/equations.py": (*JUDGE, "test_true_variants", "test_bad_input"),
    "dynlens/claims/sides.py": (*JUDGE, "test_true_variants"),
    "dynlens/claims/rounding.py": (*JUDGE, "test_true_variants"),
    "dynlens/claims/horizon.py": (*JUDGE, "test_horizon"),
    "dynlens/claims/words.py": JUDGE,
    "dynlens/claims/limits.py": ("test_limits", *JUDGE),
    "dynlens/claims/draws.py": ("test_judge_by_hand", "test_claims", "test_calibration"),
    "dynlens/claims/orders.py": (
        "test_orders",
        "test_judge_by_hand",
        "test_claims",
        "test_calibration",
    ),
    "dynlens/claims/proof.py": ("test_identities", "test_claims", "test_calibration"),
    "dynlens/cases/base.py": CASES,
    "dynlens/cases/paths.py": CASES,
    "dynlens/cases/systems.py": CASES,
    "dynlens/cases/descents.py": CASES,
    "dynlens/cases/families.py": CASES,
    "dynlens/cases/measurements.py": CASES,
    "dynlens/dynamics/trajectory.py": ("test_trajectory", *CASES),
}
HEAVY = ("numpy", "scipy.integrate", "scipy.optimize", "scipy.special", "sympy", "mpmath", "numba",
         "xarray", "llvmlite.binding")  # fmt: skip
NOT = "not pasted and not drawn and not falsif"  # slow, and about other things
PASSED = (0, 5)  # exit statuses of pytest: all passed, or none were chosen
LIMIT = 600.0  # seconds; a mutant that takes longer is noticed by its time
SURVIVORS = Path(__file__).with_name("survivors.txt")


def main():
    """Try a sample, print what survives, and the score."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, default=160)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--file", action="append", choices=TESTS)
    options.add_argument("--list", action="store_true", help="only list the sample")
    chosen = options.parse_args()
    picked = sample(chosen.file or list(TESTS), chosen.count, chosen.seed)
    if chosen.list:
        print(*picked, sep="\n")
        return
    for name in HEAVY:
        __import__(name)  # once, for all that are forked
    for path in dict.fromkeys(mutant.path for mutant in picked):
        outcome, seconds = attempt(Mutant(path, 0, 0, ""))
        print(f"{path} as it is: {outcome} {seconds:.0f} s", flush=True)
        if outcome != "survived":  # then every mutant would count as killed
            sys.exit(f"the tests of {path} fail without any change")
    reasons, alive, began = known(), [], time.perf_counter()
    for k, mutant in enumerate(picked, start=1):
        outcome, seconds = attempt(mutant)
        if outcome == "survived":
            alive.append(mutant)
        print(f"{k}/{len(picked)} {outcome} {seconds:.0f} s  {mutant}", flush=True)
    killed, seconds = len(picked) - len(alive), time.perf_counter() - began
    print(
        f"\n{killed} of {len(picked)} mutants killed, {killed / len(picked):.0%}, {seconds:.0f} s"
    )
    for mutant in alive:
        print(f"survived: {mutant}\n    {reasons.get(str(mutant), 'no reason known')}")


def sample(files, count, seed):
    """Draw mutants, as many of each file as it has of all, but some of each."""
    found = {path: mutants(path, (ROOT / path).read_text()) for path in files}
    total = sum(map(len, found.values()))
    picked = []
    for path, every in found.items():
        share = min(len(every), max(3, round(count * len(every) / total)))
        picked += random.Random(f"{seed} {path}").sample(every, share)
    return sorted(picked, key=lambda m: (m.path, m.line, m.node))


def attempt(mutant):
    """Run the tests of its file with the mutant in place: killed, survived or out of time."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        _in_child(mutant)
    while time.perf_counter() - began < LIMIT:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            passed = os.waitstatus_to_exitcode(status) == 0
            return ("survived" if passed else "killed"), time.perf_counter() - began
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "out of time", LIMIT


def _in_child(mutant):
    os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if "/claims/" not in mutant.path and "verdict" not in mutant.path:
        # Runs are kept by the source: what other code computes must be neither read nor kept.
        os.environ["DYNLENS_FRESH"] = "1"
    os.chdir(ROOT)
    try:
        put_in_place(mutant)
        import pytest

        # One file after another: collecting them all takes longer than the first few tests.
        for test in (f"{UNIT}{name}.py" for name in TESTS[mutant.path]):
            if pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-k", NOT, test]) not in PASSED:
                os._exit(1)
        os._exit(0)
    except BaseException:
        os._exit(1)


def put_in_place(mutant):
    """Let the module be imported as the mutant."""
    if not mutant.change:
        return
    target = str(ROOT / mutant.path)
    tree = mutated((ROOT / mutant.path).read_text(), mutant)
    loader = importlib.machinery.SourceFileLoader
    usual = loader.get_code

    def get_code(self, fullname):
        if os.path.samefile(self.path, target):
            return compile(tree, target, "exec", dont_inherit=True)
        return usual(self, fullname)

    loader.get_code = get_code


def known():
    """Reasons of survivors: a line with the mutant, and an indented one with why."""
    if not SURVIVORS.exists():
        return {}
    lines = [line for line in SURVIVORS.read_text().splitlines() if not line.startswith("#")]
    return {a: b.strip() for a, b in pairwise(lines) if a and b.startswith("    ")}


if __name__ == "__main__":
    main()
