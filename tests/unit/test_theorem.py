"""A theorem is its statement: claims, where they hold, and what it does not say."""

import math

import pytest

import dynlens as dl
from dynlens.verdict import Measured, Slack, judge

LAW = "depth * alignment * singular_values**(2 - 2 / depth)"
BALANCED = (dl.RandomStates((3, 3, 3), "balanced", count=3),)
UNBALANCED = (dl.RandomStates((3, 3, 3), "gaussian", count=3),)
RATE = dl.RateLaw("singular_values", LAW, assumptions=(dl.BALANCED,))
NORMS = dl.AtLeast("nuclear_norm", "frobenius_norm")
FALSE = {"sign flipped": {"rate": f"-{LAW}"}}


def theorem(claims=(RATE,), on=BALANCED, false=FALSE, **changes):
    return dl.Theorem("X.1", "an example", source="a remark", claims=claims, on=on, false=false)


def test_a_variant_differs_from_its_claim_in_nothing_but_what_it_names():
    control = theorem().controls["sign flipped"]
    assert control.claim == dl.RateLaw(
        "singular_values", f"-{LAW}", assumptions=(dl.BALANCED,), tolerance=RATE.tolerance
    )
    assert control.cases == BALANCED


def test_it_holds_and_its_variants_are_refuted():
    false = FALSE | {"balancedness dropped": {"assumptions": (), "on": UNBALANCED}}
    found = theorem(false=false).verify()
    assert found.held
    assert [c.status for c in found.controls] == ["REFUTED", "REFUTED"]


def test_a_variant_is_of_the_first_claim_that_has_its_fields():
    item = theorem(claims=[RATE, NORMS], false={**FALSE, "reversed": {"left": "spectral_norm"}})
    assert item.controls["reversed"].claim == dl.AtLeast("spectral_norm", "frobenius_norm")
    assert item.controls["sign flipped"].claim.rate == f"-{LAW}"


def test_claims_may_have_names_and_cases_of_their_own():
    claims = {"law": RATE, "norms": dl.Check(NORMS, UNBALANCED)}
    item = theorem(claims=claims, false={"reversed": {"claim": "norms", "left": "spectral_norm"}})
    assert [check.cases for check in item.checks] == [BALANCED, UNBALANCED]
    assert item.controls["reversed"].cases == UNBALANCED


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: theorem(on=()), "pass `on`"),
        (lambda: theorem(false={}), "pass `false`"),
        (lambda: theorem(false={"same": {}}), "changes nothing"),
        (lambda: theorem(false={"odd": {"raet": "1"}}), "no claim has the fields ['raet']"),
        (lambda: theorem(false={"odd": {"claim": "law", "rate": "1"}}), "name one of these"),
    ],
)
def test_what_is_no_theorem_is_refused_in_a_sentence(build, words):
    with pytest.raises(ValueError, match=r"X\.1") as refusal:
        build()
    assert words in str(refusal.value)


def measured(residual, error, tolerance=1.0):
    import numpy as np

    return judge(Measured(np.array(residual), np.array(error), tolerance), "x = y")


def test_slack_is_the_smallest_over_all_samples_not_that_of_the_worst():
    # The first is the worst, the second hangs on its error.
    found = measured([0.5, 0.1], [0.01, 0.3])
    assert found.slack == Slack(2.0, pytest.approx(3.0))
    assert found.as_dict()["slack"] == {"tolerance": 2.0, "error": pytest.approx(3.0)}


def test_slack_without_residual_or_error_is_unlimited():
    assert measured([-0.5, 0.0], [0.0, 0.0]).slack == (math.inf, math.inf)


def test_slack_of_a_theorem_is_that_of_its_thinnest_case():
    wide, thin = (
        dl.Equal("spectral_norm", "spectral_norm * (1 + 1e-3)", tolerance=x) for x in (1e-1, 2e-3)
    )
    false = {"twice": {"right": "2 * spectral_norm"}}
    found = theorem(claims=[wide, thin], false=false).verify()
    assert found.slack.tolerance == pytest.approx(2.0, rel=1e-2)
    assert [round(part.slack.tolerance) for part in found.parts] == [100, 2]
