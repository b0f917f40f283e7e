"""Monotone, strict, at one time, several at once: true, false and undecided ones."""

import numpy as np
import pytest

import dynlens as dl

ONE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))  # w' = -w
DECAY = dl.Path(ONE, (1.0,), 4.0)
TURN = dl.SystemPath({"a": "-b", "b": "a"}, {"a": 1.0, "b": 0.0}, 10.0, saves=201)
SQUARES = dl.RandomStates((3, 3))


def rank_one(*sizes):
    problem = dl.Problem(dl.DeepLinear((2, 2)), dl.SquaredLoss(), dl.Full(np.zeros((2, 2))))
    return dl.States(problem, tuple((size, 0.0, 0.0, 0.0) for size in sizes))


class TestMonotone:
    def test_a_loss_never_rises_and_a_norm_does_not_fall(self):
        path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 20.0)
        assert dl.Monotone("loss", "decreasing").check(path).status == "SUPPORTED"
        assert dl.Monotone("loss", "decreasing", strict=True).check(path).status == "SUPPORTED"
        found = dl.Monotone("loss").check(path)
        assert found.status == "REFUTED"
        assert found.statement == "loss is increasing"
        assert "Monotone('loss').check(Path(" in found.reproduce

    def test_a_quantity_that_turns_back_is_refuted_either_way(self):
        for direction in ("increasing", "decreasing"):
            assert dl.Monotone("a", direction).check(TURN).status == "REFUTED"
        assert dl.Monotone("a", "decreasing", where="3 - t").check(TURN).status == "SUPPORTED"
        assert dl.Monotone("a", after=3.2, where="6.2 - t").check(TURN).status == "SUPPORTED"

    def test_a_constant_is_monotone_but_not_strictly(self):
        constant = "a**2 + b**2"
        assert dl.Monotone(constant, tolerance=1e-8).check(TURN).status == "SUPPORTED"
        assert dl.Monotone(constant, strict=True).check(TURN).status != "SUPPORTED"
        assert dl.Monotone("depth", strict=True).check(DECAY).status == "REFUTED"

    def test_what_moves_less_than_its_error_is_undecided(self):
        found = dl.Monotone("a**2 + b**2 + 1e-14 * t", strict=True).check(TURN)
        assert found.status == "UNDECIDED", str(found)

    def test_entries_are_judged_one_by_one(self):
        path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 5.0)
        found = dl.Monotone("singular_values").check(path)
        assert found.status == "REFUTED"  # the second falls
        assert dl.Monotone("singular_values[0]").check(path).status == "SUPPORTED"

    def test_listed_times_alone_are_compared(self):
        path = dl.Path(ONE, (1.0,), 4.0, saves=(1.0, 2.0, 3.0))
        assert dl.Monotone("t + sin(2 * pi * t)").check(path).status == "SUPPORTED"
        assert dl.Monotone("t + sin(2 * pi * t)").check(DECAY).status == "REFUTED"

    def test_a_direction_is_one_of_two(self):
        with pytest.raises(KeyError, match="increasing"):
            dl.Monotone("loss", "up")


class TestStrict:
    CLAIM = dl.AtLeast("nuclear_norm", "spectral_norm", strict=True)

    def test_greater_is_supported_and_smaller_refuted(self):
        claim = dl.AtLeast("nuclear_norm", "spectral_norm", strict=True)
        assert claim.statement == "nuclear_norm > spectral_norm"
        assert claim.check(SQUARES).status == "SUPPORTED"
        assert dl.AtLeast("spectral_norm", "nuclear_norm", strict=True).check(SQUARES).status == (
            "REFUTED"
        )

    def test_equal_within_the_error_is_undecided(self):
        claim = dl.AtLeast("nuclear_norm", "spectral_norm", strict=True)
        assert claim.check(dl.RandomStates((3, 1))).status == "UNDECIDED"

    def test_equal_exactly_is_refuted(self):
        zero = rank_one(0.0)
        assert dl.AtLeast("frobenius_norm", "0", strict=True).check(zero).status == "REFUTED"
        assert dl.AtLeast("frobenius_norm", "0").check(zero).status == "SUPPORTED"
        for right in ("loss", "loss * 1", "(loss**2) / loss"):
            found = dl.AtLeast("loss", right, strict=True).check(SQUARES)
            assert found.status == "REFUTED", str(found)
            assert "the same" in found.note

    def test_a_margin_below_rounding_is_not_refuted(self):
        claim = dl.AtLeast("frobenius_norm * (1 + 1e-20)", "frobenius_norm", strict=True)
        assert claim.check(SQUARES).status != "REFUTED"


class TestOneTime:
    def test_the_claim_is_about_that_time_alone(self):
        claim = dl.Equal("frobenius_norm", np.exp(-np.sqrt(2)), at=np.sqrt(2), tolerance=1e-8)
        found = claim.check(DECAY)
        assert found.status == "SUPPORTED", str(found)
        assert found.attacks == 1
        assert found.statement.endswith("at t = 1.41421")
        assert dl.Equal("frobenius_norm", np.exp(-1.41), at=np.sqrt(2)).check(DECAY).status == (
            "REFUTED"
        )

    def test_the_end_is_a_time_too(self):
        assert dl.AtLeast("0.02", "frobenius_norm", at="end").check(DECAY).status == "SUPPORTED"
        assert dl.AtLeast("0.02", "frobenius_norm").check(DECAY).status == "REFUTED"
        assert dl.AtLeast("0.01", "frobenius_norm", at="end").check(DECAY).status == "REFUTED"

    def test_of_systems_listed_times_and_descents(self):
        assert dl.Equal("a", "-1", at=np.pi, tolerance=1e-7).check(TURN).status == "SUPPORTED"
        listed = dl.Path(ONE, (1.0,), 4.0, saves=(1.0, 4.0))
        assert dl.Equal("frobenius_norm", "exp(-2)", at=2.0).check(listed).status == "SUPPORTED"
        descent = dl.Path(ONE, (1.0,), 4.0, eta=0.5)
        assert dl.Equal("frobenius_norm", "0.5**4", at=2.0).check(descent).status == "SUPPORTED"
        with pytest.raises(ValueError, match="whole number of steps"):
            dl.Equal("frobenius_norm", "0.5**4", at=1.9).check(descent)

    def test_beyond_the_horizon_it_is_undecided(self):
        path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 1e5)
        found = dl.AtLeast("1", "loss", at="end").check(path)
        assert found.status == "UNDECIDED", str(found)

    def test_times_that_are_none_are_refused(self):
        with pytest.raises(ValueError, match="beyond `t_end` = 4"):
            dl.AtLeast("1", "loss", at=5.0).check(DECAY)
        with pytest.raises(ValueError, match=r"`at` = 1\.0 is a time"):
            dl.AtLeast("1", "loss", at=1.0).check(SQUARES)
        with pytest.raises(KeyError, match="end"):
            dl.AtLeast("1", "loss", at="last")

    def test_its_line_says_when(self):
        line = dl.AtLeast("0.5", "frobenius_norm", at=2.0).check(DECAY).reproduce
        seen = []
        exec(line, {"print": seen.append})
        assert seen[0].status == "SUPPORTED"
        assert seen[0].worst["t"] == 2.0


class TestAll:
    TRUE = dl.AtLeast("nuclear_norm", "frobenius_norm")
    FALSE = dl.AtLeast("spectral_norm", "frobenius_norm")
    OPEN = dl.AtLeast("frobenius_norm * (1 + 1e-20)", "frobenius_norm", strict=True)

    def test_the_weakest_part_decides_and_all_are_shown(self):
        assert (self.TRUE & self.TRUE).check(SQUARES).status == "SUPPORTED"
        assert (self.TRUE & self.OPEN).check(SQUARES).status == "UNDECIDED"
        found = (self.TRUE & self.OPEN & self.FALSE).check(SQUARES)
        assert found.status == "REFUTED"
        assert [part.status for part in found.parts] == ["SUPPORTED", "UNDECIDED", "REFUTED"]
        assert str(found).count("  part ") == 3

    def test_its_line_is_pasted(self):
        line = (self.TRUE & self.FALSE).check(SQUARES).reproduce
        seen = []
        exec(line, {"print": seen.append})
        assert seen[0].status == "REFUTED"

    def test_it_is_recreated_changed_and_shared(self):
        both = dl.All(self.TRUE, self.FALSE)
        assert eval(repr(both), vars(dl) | {"AtLeast": dl.AtLeast, "All": dl.All}) == both
        assert dl.All([self.TRUE, self.FALSE]) == both
        assert dl.All(self.TRUE, dl.All(self.FALSE)) == both
        late = dl.All(self.TRUE, self.FALSE, after=5.0)
        assert [part.after for part in late.claims] == [5.0, 5.0]
        with pytest.raises(ValueError, match="empty"):
            dl.All()

    def test_what_attacks_a_claim_attacks_all_parts(self):
        found = dl.falsify(self.TRUE & self.FALSE, SQUARES)
        assert found.status == "REFUTED"
        measured = (self.TRUE & self.FALSE).evidence(SQUARES.samples())
        assert measured.residual.shape == (20, 2)
        assert np.all(measured.residual[:, 0] <= 0)


def test_notation_says_what_is_strict_and_what_has_a_logarithm():
    from dynlens.cli import notation

    assert " > " in notation.statement(TestStrict.CLAIM)
    assert ">" in notation.latex(TestStrict.CLAIM)
    assert "log" in notation.statement(dl.PowerLaw("loss", "t", 2, logs=1))
