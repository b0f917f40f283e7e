"""Points and boxes: statements about formulas alone."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.spaces import space_of

BOX = dl.Box({"x": (0, 1), "y": (1e-3, 1e3), "v": (-2, 2)}, entries={"v": 3})


def test_a_statement_without_a_problem_is_judged_at_its_points():
    case = dl.Points({"x": (-0.5, 0.0, 3.0), "r": 2})
    assert dl.AtLeast("(1 + x)**r", "1 + r*x").check(case).status == "SUPPORTED"
    assert dl.AtLeast("(1 + x)**r", "1.1 + r*x").check(case).status == "REFUTED"
    verdict = dl.Equal("(1 + x)**r", "1 + r*x + x**2").check(case)
    assert verdict.status == "SUPPORTED"
    assert verdict.scope == "3 samples"


def test_cancellation_at_points_refutes_nothing():
    """The points are exact, so that more digits decide."""
    case = dl.Points({"x": (1e-9, 1e-6, 1e-3)})
    identity = dl.Equal("cosh(x) - 1", "2 * sinh(x / 2)**2", tolerance=1e-14)
    assert identity.check(case).status == "SUPPORTED"
    off = dl.Equal("cosh(x) - 1", "2 * sinh(x / 2)**2 * (1 + x**2)", tolerance=1e-14)
    assert off.check(case).status == "REFUTED"


def test_vectors_have_entries_and_sums():
    case = dl.Points({"v": [[1, 2, 3], [4, 5, 6]], "c": 2})
    assert dl.Equal("sum(v**2)", "v[0]**2 + v[1]**2 + v[2]**2").check(case).status == "SUPPORTED"
    assert dl.Equal("c * v", "v + v").check(case).status == "SUPPORTED"
    assert dl.Equal("c * v", "v + v + 1").check(case).status == "REFUTED"


def test_a_box_has_its_corners_and_its_middle():
    values = dl.Box({"x": (0, 1), "y": (2, 4)}).samples()
    found = set(zip(values.read("x").tolist(), values.read("y").tolist(), strict=True))
    assert {(0, 2), (0, 4), (1, 2), (1, 4), (0.5, 3)} <= found


def test_a_box_is_sampled_at_all_sizes():
    samples = dl.Box({"x": (0, 1), "y": (1e-6, 1e6)}, count=2000).samples()
    x, y = samples.read("x"), samples.read("y")
    assert np.all((x >= 0) & (x <= 1) & (y >= 1e-6) & (y <= 1e6))
    for size in range(-6, 6):
        assert np.mean((y >= 10.0**size) & (y < 10.0 ** (size + 1))) > 0.04
    assert np.sum((x > 0) & (x < 1e-6)) > 50, "nothing is near the lower bound"
    assert np.sum((x < 1) & (x > 1 - 1e-6)) > 50, "nothing is near the upper bound"


def test_the_seed_decides_what_is_drawn():
    first, again, other = (dl.Box({"x": (0, 1)}, seed=s).samples().read("x") for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "case", [BOX, dl.Points({"x": (0.25, 1.0), "v": ((1, 2), (3, 4)), "r": 2})]
)
def test_a_case_is_recreated_by_its_text_and_so_is_every_simpler_one(case):
    names = {"Box": dl.Box, "Points": dl.Points}
    assert eval(repr(case), names) == case
    simpler = list(case.simpler())
    assert simpler
    for one in simpler:
        assert eval(repr(one), names) == one != case


def test_a_refuted_box_shrinks_to_one_round_point():
    verdict = dl.falsify(dl.AtLeast("x + y", "3.3"), dl.Box({"x": (0, 2), "y": (0, 2)}))
    assert verdict.status == "REFUTED"
    assert "Points((('x', " in verdict.reproduce
    assert verdict.scope == "1 sample"


def test_the_space_of_a_box_is_the_box():
    space = space_of(BOX)
    rows = space.draw(np.random.default_rng(0), 500)
    assert np.all((rows >= space.low) & (rows <= space.high))
    one = space.case(rows[7])
    assert one.samples().read("v").tolist() == [rows[7, 2:].tolist()]


REFUSED = {
    "no variable": (lambda: dl.Box({}), ValueError, "name a variable"),
    "no mapping": (lambda: dl.Box(3), TypeError, "`bounds` must be a mapping"),
    "one bound": (lambda: dl.Box({"x": (0,)}), ValueError, "(low, high)"),
    "text": (lambda: dl.Box({"x": "01"}), TypeError, "(low, high)"),
    "falling": (lambda: dl.Box({"x": (1, 0)}), ValueError, "do not increase"),
    "empty": (lambda: dl.Box({"x": (1, 1)}), ValueError, "`given`"),
    "infinite": (lambda: dl.Box({"x": (0, np.inf)}), ValueError, "finite"),
    "no name": (lambda: dl.Box({"x y": (0, 1)}), ValueError, "no name of a variable"),
    "a rate": (lambda: dl.Box({"d_x": (0, 1)}), ValueError, "a rate"),
    "a start": (lambda: dl.Points({"x_0": 1}), ValueError, "beginning of a path"),
    "a constant": (lambda: dl.Box({"pi": (0, 1)}), ValueError, "no name of a variable"),
    "no points": (lambda: dl.Box({"x": (0, 1)}, count=0), ValueError, "`count`"),
    "no seed": (lambda: dl.Box({"x": (0, 1)}, seed=None), TypeError, "`seed`"),
    "entries of nothing": (lambda: dl.Box({"x": (0, 1)}, entries={"y": 2}), ValueError, "'y'"),
    "no entries": (lambda: dl.Box({"x": (0, 1)}, entries={"x": 0}), ValueError, "entries of 'x'"),
    "lengths": (lambda: dl.Points({"x": (1, 2), "y": (1, 2, 3)}), ValueError, "give each as many"),
    "none": (lambda: dl.Points({"x": ()}), ValueError, "at least one"),
    "words": (lambda: dl.Points({"x": "a"}), TypeError, "`x` must be an array of numbers"),
    "NaN": (lambda: dl.Points({"x": np.nan}), ValueError, "`x` has a NaN"),
    "matrices": (lambda: dl.Points({"x": np.ones((2, 2, 2))}), ValueError, "one vector"),
    "another name": (
        lambda: dl.AtLeast("z", "0").check(dl.Points({"x": 1})),
        ValueError,
        "no quantity 'z'",
    ),
    "a rate of points": (
        lambda: dl.RateLaw("x", "x").check(dl.Points({"x": 1})),
        ValueError,
        "points do not move",
    ),
    "the start of points": (
        lambda: dl.Conserved("x").check(dl.Points({"x": 1})),
        ValueError,
        "points have no time",
    ),
    "an observable of points": (
        lambda: dl.AtLeast("w", "0", readings={"w": dl.Reading("loss")}).check(dl.Points({"x": 1})),
        ValueError,
        "name a coordinate",
    ),
    "a variable given twice": (
        lambda: dl.AtLeast("x", "0", given={"x": 2}).check(dl.Points({"x": -1})),
        ValueError,
        "`given` calls something 'x'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_box_is_refused_in_one_sentence(name):
    action, kind, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        action()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
