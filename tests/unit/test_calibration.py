"""Calibration sees a broken judge; its rules, its claims and its page are what they say."""

import signal
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import dynlens.calibration.running as running
import dynlens.cases.systems as systems
import dynlens.claims.base as base
import dynlens.claims.equations as equations
import dynlens.claims.sides as sides
import dynlens.verdict as verdicts
from dynlens.calibration import KINDS, Judged, Tally, calibrate
from dynlens.calibration.judging import FAILED
from dynlens.calibration.pasting import paste, pasted
from dynlens.calibration.report import Section, page
from dynlens.cases.reproduce import concise

judge, whole = verdicts.judge, systems.SystemPath.samples


def faults(*kinds, each=12):
    """What is missed by the judge, as it is now, on a few claims of these kinds."""
    found = calibrate(seed=1, count=each * len(kinds), kinds=kinds, keep=False, paste=False)
    return " ".join(found.faults)


# -- the judge broken on purpose -------------------------------------------------------------------


def judged_with(**changes):
    """Put something else in the place of what was measured."""
    return lambda m, text: judge(
        replace(m, **{name: change(m) for name, change in changes.items()}), text
    )


def first_only(measured):
    residual = measured.residual.copy()
    residual[1:] = np.nan
    return residual


def always(status):
    return lambda m, text: replace(judge(m, text), status=verdicts.Status(status))


REFUTED, HELD, SHARE = "true claims REFUTED", "false claims held", "% of the decidable"

# What is broken: (where, name, by what, kinds that must show it, and as what)
BREAKS = {
    "errors are zero": (
        *(base, "judge", judged_with(error=lambda m: 0 * m.error)),
        *(("solutions", "first integrals", "ill conditioned"), REFUTED),
    ),
    "tolerances are doubled": (
        *(base, "judge", judged_with(tolerance=lambda m: 2 * m.tolerance)),
        *(("at the tolerance",), HELD),
    ),
    "tolerances are halved": (
        *(base, "judge", judged_with(tolerance=lambda m: m.tolerance / 2)),
        *(("at the tolerance",), REFUTED),
    ),
    "a difference has a sign": (
        *(equations.Equality, "_violation", lambda self, gap: gap),
        *(("rate laws", "closed forms"), HELD),
    ),
    "an inequality has none": (
        *(equations.AtLeast, "_violation", lambda self, gap: np.abs(gap)),
        *(("random matrices", "descent of the loss"), REFUTED),
    ),
    "only the first sample counts": (
        *(base, "judge", judged_with(residual=first_only)),
        *(("at one time", "equality cases"), HELD),
    ),
    "the horizon is the end": (
        *(base, "horizon", lambda claim, samples, error: float(samples.t[-1])),
        *(("lost signs",), REFUTED),
    ),
    "`where` and `after` are ignored": (
        *(base.Claim, "asserted", lambda self, samples, shape: np.ones(shape, dtype=bool)),
        *(("conditions",), REFUTED),
    ),
    "assumptions are ignored": (
        *(base.Assumption, "met", lambda self, value: np.ones(np.shape(value), dtype=bool)),
        *(("conditions",), REFUTED),
    ),
    "systems have no twins": (
        *(systems.SystemPath, "samples", lambda self: replace(whole(self), twins=())),
        *(("solutions", "first integrals"), REFUTED),
    ),
    "a sliver of the time will do": (
        *(verdicts, "COVERED", 0.0),
        *(("lost signs",), HELD),
    ),
    "one error is enough to refute": (
        *(verdicts, "BEYOND", 1.0),
        *(("solutions", "first integrals"), REFUTED),
    ),
    "all is supported": (*(base, "judge", always("SUPPORTED")), ("rate laws",), HELD),
    "all is undecided": (*(base, "judge", always("UNDECIDED")), ("rate laws",), SHARE),
}


@pytest.mark.parametrize(
    ("place", "name", "by", "kinds", "told"), BREAKS.values(), ids=BREAKS.keys()
)
def test_a_broken_judge_shows(place, name, by, kinds, told, monkeypatch):
    monkeypatch.setattr(place, name, by)
    assert told in faults(*kinds)


def test_without_more_digits_less_is_held(monkeypatch):
    settings = {"seed": 1, "count": 20, "kinds": ["rearranged"], "keep": False, "paste": False}
    held = calibrate(**settings).statuses(True)["SUPPORTED"]
    monkeypatch.setattr(sides, "MOST", 0)
    assert calibrate(**settings).statuses(True)["SUPPORTED"] < held


def test_the_judge_as_it_is_misses_nothing_there():
    kinds = sorted({kind for *_, kinds, _ in BREAKS.values() for kind in kinds})
    assert faults(*kinds) == ""


# -- rules ----------------------------------------------------------------------------------------


def one(true=True, status="SUPPORTED", planted=np.inf, error=1e-12, tolerance=1e-9, **others):
    plain = {"residual": 0.0, "seconds": 0.1, "text": status, "line": "print(1)"} | others
    return Judged("a kind", true, 0, planted, status, plain.pop("residual"), tolerance, error,
                  **plain)  # fmt: skip


RULES = {
    "a true claim refuted": (one(status="REFUTED", residual=1.0), True),
    "a true claim undecided": (one(status="UNDECIDED", error=1.0), False),
    "a false claim held": (one(False), True),
    "its error is below the tolerance": (one(False, planted=0.9e-9), False),
    "its error is less than ten measured ones": (one(False, planted=0.9e-8, error=1e-9), False),
    "its error is more than ten measured ones": (one(False, planted=1.1e-8, error=1e-9), True),
    "a false claim refuted": (one(False, "REFUTED"), False),
    "no sample was trusted": (one(False, "UNDECIDED", error=np.nan), False),
    "a claim that broke": (one(status=FAILED, error=np.nan, tolerance=np.nan), True),
    "a false identity proved": (one(False, "PROVED", 1e-12, np.nan, np.nan), True),
}


@pytest.mark.parametrize(("judged", "wrong"), RULES.values(), ids=RULES.keys())
def test_what_is_wrong_is_counted(judged, wrong):
    tally = Tally.of([judged])
    assert judged.wrong == wrong
    assert bool(tally.wrong) == wrong
    assert not wrong or any("a kind (1)" in fault for fault in tally.faults)


def test_shares_are_of_the_decidable_alone():
    held, lost, vague = one(), one(status="UNDECIDED"), one(status="UNDECIDED", error=1e-3)
    assert Tally.of([held] * 3 + [lost] + [vague] * 5).held == 0.75
    fell, stood = one(False, "REFUTED"), one(False, "UNDECIDED")
    assert (
        Tally.of([fell, replace(fell, pasted=False), replace(fell, line=""), stood]).refuted == 0.25
    )
    assert Tally.of([replace(fell, pasted=True, planted=1e-3), fell]).least == 1e-3


def test_what_prints_something_else_when_pasted_is_no_refutation():
    good = one(False, "REFUTED", text="1")
    bad = one(False, "REFUTED", text="1", line="print(2)")
    broken = one(False, "REFUTED", text="1", line="print(")
    assert paste([good.line, bad.line]) == ["1", "2"]
    tally = Tally.of(pasted([good, bad, broken, one()], 1))
    assert tally.pasted == (3, 1)
    assert tally.refuted == pytest.approx(1 / 3)


# -- claims ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_is_the_same_whenever_it_is_drawn(kind):
    for true in (True, False):
        first, again = (KINDS[kind].draw(3, true, 5) for _ in range(2))
        assert concise(first.claim) == concise(again.claim)
        assert concise(first.case) == concise(again.case)
        assert first.planted == again.planted
    drawn = {concise((s.claim, s.case)) for s in (KINDS[kind].draw(3, False, k) for k in range(6))}
    assert len(drawn) > 1


def test_a_false_claim_says_how_false_it_is():
    for kind in KINDS.values():
        planted = [kind.draw(0, False, k).planted for k in range(4)]
        assert all(size >= 0 for size in planted), kind.name
        assert max(planted) > 0, kind.name


# -- running --------------------------------------------------------------------------------------


def test_an_interrupted_calibration_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    settings = {"seed": 2, "count": 12, "kinds": ["powers"], "paste": False}
    made, judge_one = [], running.judge

    def until_five(*args):
        if len(made) == 15:
            raise KeyboardInterrupt
        made.append(args)
        return judge_one(*args)

    monkeypatch.setattr(running, "judge", until_five)
    with pytest.raises(KeyboardInterrupt):
        calibrate(**settings)
    assert len(running.finished(2, 12, ["powers"]).judged) == 10  # a whole block
    made.clear()
    tally = calibrate(**settings)
    assert (len(made), len(tally.judged)) == (14, 24)
    assert running.finished(2, 12, ["powers"]).judged == tally.judged


def test_an_interrupt_that_ends_in_another_error_ends_the_calibration(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))

    def interrupted(kind, seed, true, number):  # as a compiler does, in the midst of its work
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        none = (np.nan,) * 4
        return Judged(kind.name, true, number, none[0], FAILED, *none[1:], 0.0, "RuntimeError", "")

    monkeypatch.setattr(running, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calibrate(count=20, kinds=["expanded"], keep=True)
    assert not list(tmp_path.rglob("*.json")), "what failed was kept"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_page_has_every_kind_and_what_was_missed():
    tally = Tally.of([one(status="REFUTED", residual=1.0), one(False, "REFUTED", 1e-5)])
    text = page([Section("Claims", tally, 7)])
    assert all(f"| {kind.name} | {kind.about[:20]}" in text for kind in KINDS.values())
    assert "Seed 7. Of the true claims 1 are refuted or broken" in text
    assert "| a kind | 1 |  |  | 1 | 1 | 1 |  |  | 1.0e-05 | 100 |" in text
    assert "- 1 true claims REFUTED: a kind (1)" in text
