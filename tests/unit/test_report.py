"""Reports: the summary, the folder, and what of it is the same every time."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

import dynlens as dl
from dynlens.catalogue.report import summary_table, summary_text, totals, write_report
from dynlens.plot.evidence import gather
from dynlens.verdict import ControlFinding, Status, Verdict

SUPPORTED = Verdict(
    Status.SUPPORTED,
    "a = b",
    residual=1e-12,
    tolerance=1e-9,
    numerical_error=1e-13,
    horizon=20.0,
    t_end=50.0,
    attacks=7,
    id="X.1",
    title="a | b",
    source="folklore",
    controls=(ControlFinding("a = c", Status.REFUTED, residual=0.1, reproduce="print('again')"),),
    seconds=1.5,
)
SURVIVED = replace(
    SUPPORTED,
    status=Status.UNDECIDED,
    id="X.2",
    controls=(*SUPPORTED.controls, ControlFinding("a = d", Status.SUPPORTED, residual=1e-10)),
)


def test_summary_shows_residual_tolerance_error_and_horizon_together():
    console = Console(file=io.StringIO(), width=160)
    console.print(summary_table([SUPPORTED, SURVIVED]))
    shown = console.file.getvalue()
    for text in (shown, summary_text([SUPPORTED, SURVIVED])):
        row = next(line for line in text.splitlines() if line.startswith("X.1"))
        assert row.split()[-4 - (text is shown) :][:3] == ["20", "of", "50"]
        assert "1.0e-12" in row
        assert "1.0e-09" in row
        assert "1.0e-13" in row


def test_plain_summary_does_not_depend_on_the_seconds():
    assert summary_text([SUPPORTED]) == summary_text([replace(SUPPORTED, seconds=99.0)])


def test_totals_count_statuses_and_controls():
    assert totals([SUPPORTED, SURVIVED]) == "1 SUPPORTED, 1 UNDECIDED; controls refuted 2/3"
    assert totals([]) == "nothing verified; controls refuted 0/0"


def test_report_is_a_folder_with_one_section_per_theorem(tmp_path):
    path = write_report([SUPPORTED, SURVIVED], tmp_path / "new", pictures={"X.1": b"a picture"})
    text = path.read_text()
    assert path == tmp_path / "new" / "index.md"
    assert text.count("\n## X.") == 2
    assert r"a \| b" in text, "a bar in a title would split the table"
    assert "![residual and numerical error of X.1](X.1.png)" in text
    assert "X.2.png" not in text
    assert "SURVIVES: a = d (SUPPORTED)" in text
    assert "print('again')" in text
    assert (tmp_path / "new" / "X.1.png").read_bytes() == b"a picture"
    assert (tmp_path / "new" / "overview.png").read_bytes()[:4] == b"\x89PNG"


def test_report_text_is_the_same_every_time_but_for_its_last_section(tmp_path):
    texts = [
        write_report([replace(SUPPORTED, seconds=s)], tmp_path, figures=False).read_text()
        for s in (1.0, 2.0)
    ]
    before = [text.partition("## Seconds")[0] for text in texts]
    assert before[0] == before[1]
    assert texts[0] != texts[1]
    assert not list(tmp_path.glob("*.png"))


def test_report_of_nothing_says_so(tmp_path):
    assert "nothing verified" in write_report([], tmp_path).read_text()


def test_report_refuses_what_is_no_verdict(tmp_path):
    with pytest.raises(TypeError, match="`verdicts` must be a Verdict, got str"):
        write_report(["A.3"], tmp_path)


def test_figures_of_shipped_theorems_are_drawn_when_none_are_given(tmp_path):
    verdict = replace(SUPPORTED, id="A.3", statement="nothing that A.3 states")
    text = write_report([verdict], tmp_path).read_text()
    assert "(A.3.png)" in text
    assert (tmp_path / "A.3.png").read_bytes()[:4] == b"\x89PNG"


def test_eighty_columns_are_enough_for_all_numbers():
    console = Console(file=io.StringIO(), width=80)
    console.print(summary_table([SUPPORTED, SURVIVED], titles=False))
    shown = console.file.getvalue()
    assert "…" not in shown
    assert shown.count("20 of 50") == 2


def test_a_side_that_holds_once_is_drawn_at_every_sample():
    """An initial value given by a function comes once; P3.L1 lost its figure over it."""
    theorem = dl.theorem("P3.L1")
    check = theorem.checks[2]
    found = gather(replace(theorem, checks=(replace(check, cases=check.cases[:1]),)))
    assert found.left.shape == found.right.shape
    assert len(found.left) == len(found.measured.residual)
