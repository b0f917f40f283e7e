"""The command line: exit statuses, what is written, what an interruption leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dynlens.cli import run
from dynlens.cli.app import app
from dynlens.cli.run import Job
from dynlens.dynamics import settings
from dynlens.verdict import Status

KEYS = {
    "slack",
    *("id", "title", "source", "status", "residual", "tolerance", "numerical_error"),
    *("horizon", "attacks", "controls", "seconds", "reproduce"),
}
HEAD = '''"""Norms of a matrix, as an example."""

from dynlens import Check, Equal, RandomStates, Theorem

states = (RandomStates((2, 2)),)
norms = Check(Equal("frobenius_norm**2", "schatten_norm**2", given={}), states)
true = Check(Equal("frobenius_norm", "sqrt(frobenius_norm**2)"), states)
'''
GOOD = (
    HEAD
    + """
theorem = Theorem("X.1", "a norm is itself", "folklore", (true,), {"another norm": norms})
second = Theorem("X.2", "a norm is itself again", "folklore", (true,), {"another norm": norms})
"""
)
REFUTED = (
    HEAD
    + """
theorem = Theorem("X.1", "all norms agree", "nobody", (norms,), {"another norm": norms})
"""
)
SURVIVOR = (
    HEAD
    + """
theorem = Theorem("X.1", "a norm is itself", "folklore", (true,), {"the theorem itself": true})
"""
)
BROKEN = (
    HEAD
    + """

def fails(samples):
    raise RuntimeError("out of ideas")


broken = Check(Equal("frobenius_norm", fails), states)
theorem = Theorem("X.1", "not computable", "nobody", (broken,), {"another norm": norms})
"""
)


@pytest.fixture
def dynlens(tmp_path, monkeypatch):
    """Run a command in an empty folder; its result has exit_code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def stated(tmp_path):
    """Write a file that states theorems."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    return write


def test_version_and_help_answer_at_once_without_loading_the_package():
    code = (
        "import sys; from dynlens.cli.app import app; "
        "heavy = {'numpy', 'sympy', 'numba', 'matplotlib', 'rich.progress'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    shown = subprocess.run(
        [sys.executable, "-m", "dynlens", "--version"], check=True, capture_output=True, text=True
    )
    assert shown.stdout.startswith("dynlens 0.")


def test_list_shows_ids_titles_and_sources(dynlens):
    result = dynlens("list", "P1")
    assert result.exit_code == 0
    assert "P1.T1" in result.stdout
    assert "razin2020implicit, Theorem 1" in result.stdout
    assert "A.3" not in result.stdout


@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_an_unknown_id_is_one_sentence_with_near_names_and_exit_status_two(dynlens, command):
    result = dynlens(command, "P1.T7")
    assert result.exit_code == 2
    assert result.stderr.startswith("dynlens: no theorem 'P1.T7'; did you mean ")
    assert "P1.T1" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_show_typesets_statements_and_names_controls(dynlens):
    result = dynlens("show", "A.3")
    assert result.exit_code == 0, result.output
    for expected in ("dσᵣ/dt = L⋅γᵣ⋅σᵣ", "Theorem 3", "depth 4, 2×2", "sign flipped", "γᵣ   align"):
        assert expected in result.stdout, f"{expected!r} is missing in\n{result.stdout}"


def test_show_latex_is_ready_to_be_pasted(dynlens):
    result = dynlens("show", "A.3", "--latex")
    assert r"\frac{d}{dt} \sigma_r = \gamma_r L \sigma_r^{2 - \frac{2}{L}}" in result.stdout
    assert result.stdout.count(r"\begin{equation}") == result.stdout.count(r"\end{equation}") == 1


@pytest.mark.parametrize("latex", [False, True])
def test_every_shipped_theorem_can_be_shown(latex):
    from dynlens import theorems
    from dynlens.cli.show import as_document, described

    for theorem in theorems():
        text = as_document(theorem) if latex else described(theorem)
        assert theorem.id in text
        assert theorem.title in text


def test_show_reads_a_file_of_ones_own(dynlens, stated):
    result = dynlens("show", "X.2", "--file", stated(GOOD))
    assert result.exit_code == 0, result.output
    assert "Norms of a matrix, as an example." in result.stdout
    assert "X.1" not in result.stdout


def test_verify_writes_table_json_and_report(dynlens, stated, tmp_path):
    result = dynlens("verify", "--file", stated(GOOD), "--json", "found.json", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "2 SUPPORTED; controls refuted 2/2" in result.stdout
    assert result.stdout.rstrip().endswith("report: dynlens-report/index.md")
    found = json.loads((tmp_path / "found.json").read_text())
    assert [set(entry) for entry in found] == [KEYS, KEYS]
    assert found[0]["id"] == "X.1"
    assert found[0]["status"] == "SUPPORTED"
    assert found[0]["controls"] == [
        {"name": "another norm", "status": "REFUTED", "expected": "REFUTED"}
    ]
    assert (tmp_path / "dynlens-report" / "overview.png").read_bytes()[:4] == b"\x89PNG"
    assert not list(tmp_path.glob("**/*.part"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REFUTED, "all norms agree"),
        (SURVIVOR, "SURVIVES: the theorem itself (SUPPORTED)"),
        (BROKEN, "could not be checked: RuntimeError: out of ideas"),
    ],
)
def test_exit_status_is_one_and_the_reason_is_told_in_full(dynlens, stated, text, expected):
    result = dynlens("verify", "--file", stated(text), "--no-report")
    assert result.exit_code == 1, result.output
    assert expected in result.stdout
    assert not Path("dynlens-report").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--file", "nowhere.py"), "no file 'nowhere.py'"),
        (("A.3", "--json", "nowhere/x.json"), "`--json`"),
        (("A.3", "--json", "."), "`--json`"),
        (("A.3", "--report", "mine.py"), "`--report`"),
        (("A.3", "--method", "LSODE"), "`--method`: no 'LSODE'; did you mean LSODA"),
        (("--file", "mine.py"), "mine.py cannot be read as theorems: ZeroDivisionError"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(dynlens, stated, words, expected):
    stated("1 / 0\n")
    result = dynlens("verify", *words)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "Traceback" not in result.output


def test_verify_integrates_by_the_method_asked_for(dynlens, stated, monkeypatch):
    monkeypatch.setenv("DYNLENS_METHOD", "")  # what the command sets is undone after the test
    monkeypatch.setenv("DYNLENS_FRESH", "1")
    solvers, original = [], settings._solver
    monkeypatch.setattr(settings, "_solver", lambda name: (solvers.append(name), original(name))[1])
    line = "Path(DEEP, Start(0.5, 'balanced', seed=0), 1.0)"
    text = GOOD.replace("RandomStates((2, 2)),", f"{line},").replace("Theorem\n", "Theorem, Path\n")
    text = text.replace("Theorem, Path", "Theorem, Path, Start, completion_problem")
    text = text.replace("states =", "DEEP = completion_problem(2)\nstates =", 1)
    result = dynlens(
        "verify", "--file", stated(text), "--no-report", "--jobs", 1, "--method", "RK45"
    )
    assert result.exit_code == 0, result.output
    assert solvers[0] == "RK45"
    assert set(solvers) <= {"RK45", "LSODA"}, "LSODA is the twin of another family"


def test_two_theorems_of_one_name_are_refused(dynlens, stated):
    result = dynlens("verify", "A.3", "--file", stated(GOOD.replace("X.1", "A.3")))
    assert result.exit_code == 2
    assert "two theorems are called 'A.3'" in result.stderr


def test_interrupted_verify_keeps_what_is_finished(dynlens, stated, tmp_path, monkeypatch):
    verify = run.attempt

    def interrupted(theorem, tell):
        if theorem.id == "X.2":
            raise KeyboardInterrupt
        return verify(theorem, tell)

    monkeypatch.setattr(run, "attempt", interrupted)
    words = ("--json", "found.json", "--report", "report", "--jobs", 1)
    result = dynlens("verify", "--file", stated(GOOD), *words)
    assert result.exit_code == 130
    assert "interrupted: 1 of 2 finished" in result.stdout
    assert [entry["id"] for entry in json.loads((tmp_path / "found.json").read_text())] == ["X.1"]
    text = (tmp_path / "report" / "index.md").read_text()
    assert "## X.1" in text
    assert "## X.2" not in text


def test_two_processes_find_what_one_finds(stated):
    jobs = [Job(name, str(stated(GOOD))) for name in ("X.1", "X.2")]
    told = []

    def verdicts(processes):
        outcomes = run.run(
            jobs, processes=processes, figures=False, watch=lambda *words: told.append(words)
        )
        with outcomes as arriving:
            return {outcome.verdict.id: outcome.verdict for outcome in arriving}

    alone = verdicts(1)
    told.clear()
    assert verdicts(2) == alone
    assert {id for id, _ in told} == {"X.1", "X.2"}, told


@pytest.mark.slow
def test_leaving_early_ends_the_processes(stated):
    import multiprocessing

    jobs = [Job(name, str(stated(GOOD))) for name in ("X.1", "X.2")]
    before = set(multiprocessing.active_children())
    outcomes = run.run(jobs, processes=2, figures=False, watch=lambda *words: None)
    with outcomes as arriving:
        assert next(arriving).verdict.passed
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.slow
def test_ctrl_c_on_the_terminal_ends_everything(stated, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "dynlens", "verify", "A", "--json", "found.json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Not ignored, as it would be if the tests were started in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stderr:  # a line per finished theorem
        assert line.startswith("1/")
        break
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "interrupted: " in output
    assert json.loads((tmp_path / "found.json").read_text())
    assert time.monotonic() - began < 60


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_catalogue_is_verified_and_reported(tmp_path):
    command = [sys.executable, "-m", "dynlens", "verify"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    refuted, controls = re.search(r"controls refuted (\d+)/(\d+)", found.stdout).groups()
    assert int(refuted) == int(controls) > 300
    report = tmp_path / "dynlens-report"
    assert (report / "overview.png").exists()
    assert "no figure of" not in found.stderr
    assert "Q5.T3" in (report / "index.md").read_text()


def test_a_theorem_that_cannot_be_checked_does_not_pass(stated):
    theorem = run.find(Job("X.1", str(stated(BROKEN))))
    verdict = run.attempt(theorem)
    assert verdict.status == Status.UNDECIDED
    assert not verdict.passed


def test_compare_prints_a_table_and_draws(dynlens, tmp_path):
    result = dynlens("compare", "--eta", 0.1, "--t-end", 2, "--out", "figures")
    assert result.exit_code == 0, result.output
    assert "largest gap" in result.stdout
    assert "Descent" in result.stdout, "a sentence says what was found"
    for part in ("eta * sharpness", "order    spread", "bound/distance"):
        assert part in result.stdout
    assert (tmp_path / "figures" / "comparison.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("compare", "--eta", "-1"), "`eta` must be positive, got -1.0."),
        (("compare", "--observable", "losss"), "did you mean loss"),
        (("reproduce", "P9.E9"), "no experiment 'P9.E9'"),
    ],
)
def test_errors_of_the_boundary_become_one_sentence(dynlens, words, expected):
    result = dynlens(*words)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "Traceback" not in result.output


def test_reproduce_without_an_id_lists_the_experiments(dynlens):
    result = dynlens("reproduce")
    assert result.exit_code == 0
    assert "P1.E1" in result.stdout
