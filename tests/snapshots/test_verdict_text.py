"""The texts people read, kept in files: a change of wording is a visible change.

Run with ``DYNLENS_UPDATE_SNAPSHOTS=1`` to write the files anew, then read what changed.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dynlens import __version__
from dynlens.catalogue.report import summary_text, write_report
from dynlens.verdict import ControlFinding, Finding, Status, Verdict

HERE = Path(__file__).parent
UPDATE = os.environ.get("DYNLENS_UPDATE_SNAPSHOTS") == "1"

SUPPORTED = Verdict(
    Status.SUPPORTED,
    "d/dt singular_values = alignment*depth*singular_values**(2 - 2/depth)",
    residual=4.7e-13,
    tolerance=1e-9,
    numerical_error=5.6e-12,
    horizon=50.0,
    t_end=50.0,
    attacks=778,
    worst={"t": 2.0, "index": (0,)},
    assumptions=(Finding("balanced", True, 5.3e-17),),
    reproduce="from dynlens import *; print(theorem('A.3').claim(0).check(...))",
    id="A.3",
    title="singular values of a balanced deep matrix factorization",
    source="arora2019implicit, Theorem 3",
    controls=(
        ControlFinding("factor L dropped", Status.REFUTED, residual=0.5),
        ControlFinding("sign flipped", Status.REFUTED, residual=2.0),
    ),
    seconds=2.0,
)
REFUTED = replace(
    SUPPORTED,
    status=Status.REFUTED,
    residual=0.5,
    horizon=None,
    t_end=None,
    attacks=1,
    worst={"sample": 3},
    controls=(ControlFinding("sign flipped", Status.SUPPORTED, residual=1e-13),),
)
UNDECIDED = Verdict(
    Status.UNDECIDED,
    "determinant >= 0",
    residual=-2e-6,
    tolerance=1e-12,
    numerical_error=3e-5,
    horizon=31.4,
    t_end=1000.0,
    attacks=32,
    worst={"t": 31.4},
    assumptions=(Finding("balanced", True, 0.0), Finding("det W > 0", True, 0.0094)),
)
NOT_APPLICABLE = Verdict(
    Status.NOT_APPLICABLE,
    "frobenius_norm >= 1 / sqrt(2 * loss) - 8",
    tolerance=1e-12,
    horizon=40.0,
    t_end=40.0,
    assumptions=(Finding("balanced", False, 0.31),),
)
PROVED = Verdict(
    Status.PROVED,
    "sigma(t) solves sigma' = N gamma sigma^(2 - 2/N)",
    residual=0.0,
    attacks=2,
    note="equation: reduced to zero; start: reduced to zero",
    id="CF1",
    title="growth under constant alignment",
    source="arora2019implicit, Theorem 3, solved",
    controls=(ControlFinding("exponent -N/(N - 1)", Status.REFUTED),),
)
IN_PARTS = replace(
    SUPPORTED,
    status=Status.UNDECIDED,
    title="in three parts",
    parts=(SUPPORTED, replace(UNDECIDED, attacks=3), replace(PROVED, parts=(), controls=())),
)
VERDICTS = {
    "supported": SUPPORTED,
    "refuted": REFUTED,
    "undecided_beyond_horizon": UNDECIDED,
    "not_applicable": NOT_APPLICABLE,
    "proved": PROVED,
    "in_parts": IN_PARTS,
}


def assert_matches(text, name):
    path = HERE / name
    if UPDATE:
        path.write_text(f"{text}\n", encoding="utf-8")
    assert path.is_file(), f"no snapshot {name}; run with DYNLENS_UPDATE_SNAPSHOTS=1 to write it"
    assert f"{text}\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_reads_as_it_did(name):
    assert_matches(str(VERDICTS[name]), f"verdict_{name}.txt")


def test_summary_reads_as_it_did():
    assert_matches(summary_text(VERDICTS.values()), "summary.txt")


def test_report_reads_as_it_did(tmp_path):
    path = write_report([SUPPORTED, REFUTED, PROVED], tmp_path, figures=False)
    text = path.read_text(encoding="utf-8").partition("\n\n## Seconds")[0]
    assert_matches(text.replace(__version__, "VERSION"), "report.txt")


def test_a_changed_word_would_be_seen():
    with pytest.raises(AssertionError):
        assert (HERE / "verdict_proved.txt").read_text() == f"{replace(PROVED, note='')}\n"
