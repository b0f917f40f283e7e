"""Runs of which only observables are kept: the same runs, in bounded memory."""

from typing import NamedTuple

import numpy as np
import pytest

import dynlens as dl
from dynlens.experiments import curves
from dynlens.experiments.lab import Lab, Runs, engine, results
from dynlens.experiments.prose import columns, distinct, paragraph, rises, span
from dynlens.support.sweep import Sweep


@pytest.fixture
def problem():
    target = dl.problems.low_rank_tensor((4, 4, 4), rank=1, seed=0, norm=2.0)
    model = dl.CPFactorization((4, 4, 4), components=6)
    seen = dl.Entries.sample(target, fraction=0.8, seed=1)
    return dl.Problem(model, dl.SquaredLoss("mean", half=False), seen)


def observe(problem, theta):
    return {"values": np.sort(problem.model.unravel(theta)[0], axis=None)[::-1][:3]}


def kept(found):
    return {name: values[np.isfinite(found["time"])] for name, values in found.items()}


class TestDescent:
    def test_a_run_in_chunks_is_the_run(self, problem):
        theta0 = problem.init(0.1, seed=0)
        # Further down, steps that do not shrink overshoot, and rounding decides what is reached.
        settings = {"eta": 1e-2, "steps": 3000, "stop_below": 1e-5}
        found, theta = curves.descend(problem, theta0, observe, **settings)
        whole = dl.gradient_descent(problem, theta0, method="grouprmsprop", saves=2, **settings)
        assert whole.status == "event", whole.message
        np.testing.assert_array_equal(theta, whole.final)
        ends = kept(found)
        assert ends["time"][-1] == pytest.approx(whole.t[-1], rel=1e-12)
        assert ends["flow_time"][-1] == whole.attrs["flow_time"][-1]
        assert ends["loss"][-1] <= 1e-5 < ends["loss"][-2]
        np.testing.assert_array_equal(ends["values"][0], observe(problem, theta0)["values"])

    def test_a_run_without_end_stops_at_its_cap(self, problem):
        theta0 = problem.init(0.1, seed=0)
        found, _ = curves.descend(problem, theta0, observe, eta=1e-2, steps=37, stop_below=1e-30)
        assert kept(found)["time"][-1] == pytest.approx(0.37, rel=1e-12)


class TestFlow:
    def test_it_is_the_flow(self, problem):
        theta0 = problem.init(0.1, seed=0)
        found, theta = curves.follow(
            problem, theta0, observe, first=1.0, t_end=1e4, stop_below=1e-4, rtol=1e-8
        )
        ends = kept(found)
        flow = dl.gradient_flow(problem, theta0, ends["time"][1:], rtol=1e-10)
        np.testing.assert_allclose(ends["loss"][1:], flow.values("loss"), rtol=1e-4)
        np.testing.assert_allclose(theta, flow.final, atol=1e-5)
        assert ends["loss"][-1] <= 1e-4 < ends["loss"][-2]

    def test_it_is_looked_at_where_something_happens(self, problem):
        found, _ = curves.follow(
            problem,
            problem.init(1e-3, seed=0),
            observe,
            first=1.0,
            t_end=1e6,
            stop_below=1e-6,
            rtol=1e-4,
            capacity=80,
        )
        ends = kept(found)
        t, first = ends["time"], ends["values"][:, 0]
        rise = np.abs(np.diff(first)) / first.max()
        assert t[-1] > 1e3 * np.diff(t).min(), "looks are not even"
        assert rise.max() < 0.5, rise.max()


class TestRecord:
    def test_it_never_holds_more_than_its_capacity(self):
        record = curves.Record(10)
        for k in range(1000):
            record.add({"time": np.asarray(float(k)), "values": np.array([float(k > 700)])})
            assert len(record.rows) <= 10
        found = record.arrays()
        assert found["time"].shape == (10,)
        assert found["time"][0] == 0.0
        assert found["time"][-1] == 999.0
        gap = np.diff(found["time"])[np.argmax(np.diff(found["values"][:, 0]))]
        assert gap == 1.0, "the jump is kept as sharp as it was"

    def test_short_runs_are_padded(self):
        record = curves.Record(4)
        record.add({"time": np.asarray(0.0), "values": np.zeros(2)})
        found = record.arrays()
        assert found["values"].shape == (4, 2)
        assert np.isnan(found["time"][1:]).all()


def test_values_rise_where_they_pass_half_of_their_end_for_good():
    t = np.array([0.0, 1.0, 2.0, 3.0, 4.0, np.nan])
    first = [0.0, 4.0, 0.0, 4.0, 4.0, np.nan]  # passes twice; the second time counts
    second = [0.0, 0.0, 0.0, 0.0, 1.0, np.nan]
    constant = [1.0, 1.0, 1.0, 1.0, 1.0, np.nan]
    found = curves.rise_times(t, np.array([first, second, constant]).T)
    np.testing.assert_allclose(found, [0.0, 2.5, 3.5])


def plus(a, b):
    return {"sum": a + b, "curve": [a, b]}


@pytest.mark.parametrize("processes", [1, 2])
def test_sweeps_come_back_case_by_case(tmp_path, processes):
    seen = []

    def each(jobs):
        seen.append(len(jobs))
        return jobs

    with engine(each, processes) as map_:
        found = results(Sweep(plus, {"a": [1, 2], "b": [0.5]}), tmp_path, map_)
    assert seen == [2], "progress is shown"
    assert [one["sum"] for one in found] == [1.5, 2.5]
    assert found[1]["a"] == 2
    assert found[1]["curve"].tolist() == [2, 0.5]


def test_a_lab_makes_a_run_of_each_case(tmp_path):
    class Run(NamedTuple):
        a: int
        b: float
        sum: float
        curve: np.ndarray

    runs = Lab(tmp_path, True, iter).sweep(
        Run, *(Sweep(plus, {"a": [k], "b": [0.5]}) for k in (1, 2))
    )
    assert runs.values("a") == [1, 2]
    assert runs.one(a=2).sum == 2.5
    assert isinstance(runs.one(a=2).sum, float)
    assert runs.one(a=1).curve.tolist() == [1.0, 0.5]


class TestRuns:
    RUNS = Runs([complex(1, 2), complex(1, 3), complex(2, 3)])

    def test_runs_are_picked_by_their_fields(self):
        assert self.RUNS.where(real=1) == (1 + 2j, 1 + 3j)
        assert self.RUNS.where(real=1).one(imag=3) == 1 + 3j
        assert self.RUNS.by("imag") == [(2.0, (1 + 2j,)), (3.0, (1 + 3j, 2 + 3j))]

    @pytest.mark.parametrize(("wanted", "count"), [({"real": 1}, 2), ({"real": 7}, 0)])
    def test_one_is_neither_none_nor_several(self, wanted, count):
        with pytest.raises(LookupError, match=f"{count} of 3 runs have"):
            self.RUNS.one(**wanted)

    def test_a_field_that_is_misspelt_is_no_empty_answer(self):
        with pytest.raises(AttributeError, match="rael"):
            self.RUNS.where(rael=1)


def test_words():
    assert paragraph(["One.", "Two."], "Label. ") == "Label. One. Two."
    assert columns(["a", "bcd"], [["10", "x"]]) == " a  bcd\n10    x"
    assert rises([100.0, 101.0, 150.0]) == "100, +1, +50"
    assert distinct([100.0, 100.1, 150.0], 200.0) == 2
    assert span([3, 5, 4], "d") == "3 to 5"
    assert span([3, 3], "d") == "3"
