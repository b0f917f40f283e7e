"""Figures: what is drawn, from what, and that the same input gives the same bytes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

import dynlens as dl
from dynlens import plot
from dynlens.plot.evidence import Evidence, Fit, gather, in_words
from dynlens.verdict import ControlFinding, Measured, Status, Verdict

T = np.linspace(0.0, 10.0, 41)


@pytest.fixture(scope="module")
def flow():
    problem = dl.completion_problem(2)
    start = problem.init(0.3, kind="balanced", seed=1, determinant=1)
    return dl.gradient_flow(problem, start, 10.0, events=[dl.loss_below(0.3, terminal=False)])


@pytest.fixture(scope="module")
def descent(flow):
    return dl.gradient_descent(flow.problem, flow.theta[0], eta=0.1, steps=100)


def measured(residual, **changes):
    residual = np.asarray(residual)
    settings = {"error": np.full(residual.shape, 1e-13), "tolerance": 1e-9, "t": T, "horizon": 6.0}
    return Measured(residual, **(settings | changes))


def texts(axes):
    return [text.get_text() for text in axes.texts]


# -- trajectories ---------------------------------------------------------------------------------


def test_observable_has_a_line_per_entry_in_the_palette(flow):
    axes = plot.plot_observable(flow, "singular_values").axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == len(flow)]
    np.testing.assert_array_equal(lines[1].get_ydata(), flow.values("singular_values")[:, 1])
    assert [to_hex(line.get_color()).upper() for line in lines] == list(plot.PALETTE[:2])
    assert axes.get_ylabel() == "singular values"
    assert axes.get_xlabel() == "time t of the flow"
    assert "loss = 0.3" in texts(axes)


def test_several_trajectories_differ_in_dashes_and_are_named(flow, descent):
    axes = plot.plot_observable([flow, descent], "loss", log="y").axes[0]
    assert [line.get_linestyle() for line in axes.lines[:2]] == ["-", "--"]
    assert [text.get_text() for text in axes.get_legend().texts] == ["flow", "descent, η = 0.1"]
    assert axes.get_yscale() == "log"
    assert "η · step" in axes.get_xlabel()


def test_parameters_of_an_observable_are_on_its_axis(flow):
    axes = plot.plot_observable(flow, "schatten_norm", p=0.5).axes[0]
    assert axes.get_ylabel() == "schatten norm (p = 0.5)"


def test_what_lies_beyond_the_horizon_is_shaded(flow):
    assert "UNDECIDED" in texts(plot.plot_observable(flow, "loss", horizon=4.0).axes[0])
    assert "UNDECIDED" not in texts(plot.plot_observable(flow, "loss", horizon=10.0).axes[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "losss"}, ValueError, "did you mean loss"),
        ({"log": "z"}, ValueError, "`log`"),
        ({"legend": ["one", "two"]}, ValueError, "2 names for 1 trajectories"),
        ({"trajectories": []}, ValueError, "`trajectories` is empty"),
        ({"trajectories": [1.0]}, TypeError, "`trajectories` must be a Trajectory"),
    ],
)
def test_bad_arguments_are_named(flow, change, error, message):
    arguments = {"trajectories": flow, "name": "loss"} | change
    with pytest.raises(error, match=message):
        plot.plot_observable(arguments.pop("trajectories"), arguments.pop("name"), **arguments)


# -- verdicts -------------------------------------------------------------------------------------


def test_path_shows_both_sides_residual_error_and_tolerance():
    residual = 1e-12 * (1 + T[:, None])
    side = np.exp(T)[:, None]
    found = Evidence("X", "a = b", "somewhere", measured(residual[:, 0]), side, side)
    above, below = plot.plot_verdict(found).axes
    labels = [line.get_label() for line in below.lines]
    assert labels[:3] == ["residual", "numerical error", "tolerance"]
    assert "UNDECIDED" in texts(above)
    assert "UNDECIDED" in texts(below)
    assert (above.get_ylabel(), below.get_ylabel()) == ("left = right", "relative residual")


def test_margins_and_violations_of_an_inequality_are_told_apart():
    found = Evidence("X", "a >= b", "somewhere", measured(np.where(T < 5, -0.1, 0.1)))
    axes = plot.plot_verdict(found).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(np.isnan(lines["margin kept"]), T >= 5)
    np.testing.assert_array_equal(np.isnan(lines["violation"]), T < 5)


def test_residuals_that_are_all_zero_are_told_in_words():
    changes = {"t": None, "horizon": None, "tolerance": 0.0, "error": np.zeros(40)}
    found = Evidence("X", "a = b", "40 states", measured(np.zeros(40), **changes))
    axes = plot.plot_verdict(found).axes[0]
    assert texts(axes) == ["all 40 residuals are exactly zero, as they must be"]
    assert not axes.axison


def test_states_without_time_become_a_histogram():
    residual = np.geomspace(1e-14, 1e-11, 50)
    found = Evidence("X", "a = b", "50 states", measured(residual, t=None, horizon=None))
    axes = plot.plot_verdict(found).axes[0]
    assert sum(patch.get_height() for patch in axes.patches) == 50


def test_power_law_shows_fitted_and_claimed_slope():
    x = np.geomspace(1, 100, 9)
    fit = Fit(x, 3 * x**0.5, 0.4, ("t", "norm"))
    found = Evidence("X", "norm ~ (t)**0.4", "a path", measured(T * np.nan), fit=fit)
    axes = plot.plot_verdict(found).axes[0]
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["measured", "fitted slope 0.5", "claimed slope 0.4"]


def test_evidence_is_that_of_the_case_the_verdict_speaks_of():
    theorem = dl.theorem("A.3")
    check = theorem.checks[0]
    for case in check.cases[:2]:
        found = gather(theorem, check.claim.check(case))
        assert found.where == in_words(case)
    np.testing.assert_array_equal(found.measured.t, case.samples().t)
    assert found.left.shape == found.right.shape == (len(found.measured.t), 2)


def test_symbolic_theorem_has_nothing_to_plot():
    proof = dl.Check(dl.Identities("0 = 0", lambda: {"zero": 0}))
    theorem = dl.Theorem("X", "nothing", "folklore", (proof,), {"a control": proof})
    assert gather(theorem) is None
    with pytest.raises(ValueError, match="nothing to plot"):
        plot.plot_verdict(theorem)


# -- overview and comparison ----------------------------------------------------------------------


def test_overview_puts_theorems_left_and_mutants_right():
    control = ControlFinding("a = c", Status.REFUTED, residual=0.1, tolerance=1e-9)
    numbers = {"tolerance": 1e-9, "numerical_error": 1e-13}
    verdicts = [
        Verdict(Status.SUPPORTED, "a = b", 1e-12, id="X.1", controls=(control,), **numbers),
        Verdict(Status.SUPPORTED, "a >= b", -0.2, id="X.2", controls=(control,), **numbers),
        Verdict(Status.PROVED, "a = a", 0.0, id="X.3"),
    ]
    margins, ratios = plot.plot_controls(verdicts).axes
    points = [(float(x), float(y)) for line in ratios.lines for x, y in line.get_xydata()]
    left = next(point for point in points if point[1] == 0 and point[0] < 1)
    assert left == pytest.approx((1e-3, 0))
    assert all((pytest.approx(1e8), row) in points for row in (0, 1))
    assert 0.2 in [float(x) for line in margins.lines for x in line.get_xdata()]
    assert [label.get_text() for label in margins.get_yticklabels()] == ["X.1", "X.2", "X.3"]


def test_what_must_be_exact_stands_at_the_edges_of_the_overview():
    control = ControlFinding("a = c", Status.REFUTED, residual=2.0, tolerance=0.0)
    verdicts = [
        Verdict(Status.SUPPORTED, "a = b", 0.0, 0.0, 0.0, id="X.1", controls=(control,)),
        Verdict(Status.REFUTED, "a = d", 3.0, 0.0, 0.0, id="X.2"),
    ]
    _, ratios = plot.plot_controls(verdicts).axes
    points = [(float(x), float(y)) for line in ratios.lines for x, y in line.get_xydata()]
    edges = min(x for x, _ in points), max(x for x, _ in points)
    assert edges[0] < 1e-2
    assert edges[1] > 1e2
    assert {(edges[0], 0.0), (edges[1], 0.0), (edges[1], 1.0)} <= set(points)


def test_comparison_shows_curves_and_distance(flow, descent):
    comparison = dl.compare(flow, descent, observable="loss")
    above, below, sharp, delays = plot.plot_comparison(comparison).axes
    assert above.get_ylabel() == "loss"
    assert len(above.lines) == 2
    assert below.lines[0].get_label() == "distance of parameters"
    np.testing.assert_allclose(sharp.lines[0].get_ydata(), comparison.stability.flow[:, 1])
    levels = [float(line.get_ydata()[0]) for line in sharp.lines[2:]]
    np.testing.assert_allclose(levels, [1 / comparison.stability.eta, 2 / comparison.stability.eta])
    events = next(line for line in delays.lines if line.get_label() == "events")
    assert events.get_ydata() == [shift.delay for shift in comparison.shifts]
    np.testing.assert_array_equal(
        below.lines[0].get_ydata()[1:], comparison.data["parameter_distance"][1:]
    )


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_the_same_figure_gives_the_same_bytes(flow, tmp_path, kind):
    files = [
        plot.save(plot.plot_observable(flow, "loss"), tmp_path / f"{k}.{kind}") for k in (1, 2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_unknown_suffix_is_refused_and_leaves_nothing(flow, tmp_path):
    with pytest.raises(ValueError, match=r"`path` ends in '\.txt'; use one of"):
        plot.save(plot.plot_observable(flow, "loss"), tmp_path / "new" / "figure.txt")
    assert not list(tmp_path.iterdir())


def test_figures_show_themselves_in_a_notebook(flow):
    assert plot.plot_observable(flow, "loss")._repr_png_()[:4] == b"\x89PNG"
