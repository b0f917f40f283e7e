"""A counterexample can be pasted: its line, run anywhere, prints the verdict it came with."""

import contextlib
import io
import subprocess
import sys

import numpy as np
import pytest

import dynlens as dl

PROBLEM = dl.completion_problem(2)
BOUND = "1 / (sqrt(2) * sqrt(loss)) - 8"
SMALLER = 4  # a shrunk path ends at least this many times sooner, or starts from round numbers

LAW = "depth * alignment * singular_values**(2 - 2 / depth)"
POSITIVE_START = dl.Assumption("det W(0) > 0", "determinant", low=0.0)


def bound(*assumptions):
    return dl.AtLeast("frobenius_norm", BOUND, assumptions=assumptions)


def rate(law):
    return dl.RateLaw("singular_values", law, assumptions=(dl.BALANCED,))


def path(kind, seed, determinant, t_end=40.0):
    return dl.Path(PROBLEM, dl.Start(0.3, kind, seed, determinant), t_end, saves="log")


STATES = dl.RandomStates((3, 4, 3), fraction=0.6)
FALSE = {
    "determinant condition dropped": (bound(dl.BALANCED), path("balanced", 3, -1)),
    "balancedness dropped": (bound(POSITIVE_START), path("gaussian", 0, 1)),
    "factor of the rate law dropped": (rate(LAW.removeprefix("depth * ")), STATES),
}
TRUE = {
    "determinant condition dropped": bound(dl.BALANCED, dl.POSITIVE_DETERMINANT),
    "balancedness dropped": bound(dl.BALANCED, dl.POSITIVE_DETERMINANT),
    "factor of the rate law dropped": rate(LAW),
}
CONTROLS = (
    ("P1.T1", "determinant condition dropped"),
    ("P1.T1", "balancedness dropped"),
    ("P1.T1", "D <= sqrt(loss)"),
    ("A.3", "factor L dropped"),
)


def printed(line):
    """What the line prints, run in a fresh namespace."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(line, {})
    return out.getvalue()


def printed_elsewhere(line):
    """What the line prints in a process of its own, where a warning is an error."""
    command = [sys.executable, "-W", "error", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FALSE)
def test_a_false_variant_is_refuted_by_a_shrunk_case_that_reproduces(name):
    claim, case = FALSE[name]
    verdict = dl.falsify(claim, case)
    assert verdict.status == "REFUTED", str(verdict)
    assert len(verdict.reproduce) < 500, verdict.reproduce
    assert "\n" not in verdict.reproduce
    assert printed(verdict.reproduce) == f"{verdict}\n"


@pytest.mark.parametrize("name", FALSE)
def test_the_true_claim_survives_the_same_case(name):
    verdict = TRUE[name].check(FALSE[name][1])
    assert verdict.status in ("SUPPORTED", "NOT_APPLICABLE"), str(verdict)


def test_a_path_is_shortened():
    claim, case = FALSE["determinant condition dropped"]
    verdict = dl.falsify(claim, case)
    assert verdict.t_end * SMALLER <= case.t_end, verdict.reproduce


def test_states_are_reduced_to_one_in_a_narrow_network():
    verdict = dl.falsify(*FALSE["factor of the rate law dropped"])
    assert "RandomStates(DeepLinear((1, 1, 1)), count=1" in verdict.reproduce, verdict.reproduce


@pytest.mark.parametrize(("id", "name"), CONTROLS)
def test_a_control_of_the_catalogue_reproduces(id, name):
    verdict = dl.theorem(id).controls[name].refutation()
    assert verdict.status == "REFUTED", str(verdict)
    assert f"theorem({id!r}).control({name!r})" in verdict.reproduce
    assert printed(verdict.reproduce) == f"{verdict}\n"


def test_a_line_reproduces_in_another_process():
    verdict = dl.falsify(*FALSE["determinant condition dropped"])
    assert printed_elsewhere(verdict.reproduce) == f"{verdict}\n"


def test_a_line_imports_what_is_in_no_lobby():
    family = dl.SmallStarts(PROBLEM, tuple(np.eye(8)[0]), (0.3, 0.2, 0.1), 0.4)
    case = dl.cases.EscapeTimes(family.problem, family.direction, family.alphas, family.norm)
    verdict = dl.Equal("descent_time", "escape_time", tolerance=0.5).check(case)
    assert "from dynlens.cases.escapes import EscapeTimes; " in verdict.reproduce
    assert printed_elsewhere(verdict.reproduce) == f"{verdict}\n"


def test_a_line_does_not_import_what_everyone_has():
    verdict = dl.falsify(*FALSE["factor of the rate law dropped"])
    assert verdict.reproduce.count("import") == 1, verdict.reproduce
