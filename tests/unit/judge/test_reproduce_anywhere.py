"""Every verdict can be made again in a fresh process: by its line, or by a file it saves."""

import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

import dynlens as dl

DEFINED = dedent(
    """
    from dataclasses import dataclass

    import numpy as np
    import sympy as sp

    import dynlens as dl

    SCALE, TABLE, x = 2.0, np.array([1.0, 3.0]), sp.Symbol("x", positive=True)


    @dataclass(frozen=True)
    class Polygon(dl.Measurement):
        corners: int

        def measure(self, numerics):
            angle = numerics.start(np.pi / self.corners)
            return {"perimeter": SCALE * self.corners * np.sin(angle)}


    @dataclass(frozen=True)
    class Halved(dl.DeepLinear):
        def end_to_end(self, factors):
            return 0.5 * super().end_to_end(factors)

        def pullback(self, factors, cotangent):
            return super().pullback(factors, 0.5 * cotangent)

        def kernel(self):
            return None

        def entry_lines(self, places):
            return None


    def helper(problem, factors):
        return problem.objective(problem.model.ravel(factors))


    @dl.observable()
    def twice_loss(problem, factors):
        return SCALE * helper(problem, factors)


    def weighted(samples):
        return TABLE[1] * samples.read("loss")


    def derive():
        return {"square": (x + 1) ** 2 - x**2 - 2 * x - 1}


    k = 3.0
    STATES = dl.RandomStates((2, 2))
    CLAIMS = {
        "a case": (dl.Equal("perimeter", "2 * pi", tolerance=1e-5), Polygon(1000)),
        "a model": (dl.RateLaw("loss", "-gradient_norm**2"), dl.RandomStates(Halved((2, 2)))),
        "an observable": (dl.Equal("twice_loss", "2 * loss"), STATES),
        "an observable in a reading": (
            dl.Equal("q", "2 * loss", readings={"q": dl.Reading("twice_loss")}),
            STATES,
        ),
        "a function": (dl.Equal(weighted, "3 * loss"), STATES),
        "identities": (dl.Identities("a square", derive), None),
    }
    LAMBDAS = {
        "a lambda": (dl.Equal(lambda s: k * s.read("loss"), "3 * loss"), STATES),
        "a derivation in place": (dl.Identities("i", lambda: {"g": sp.Eq(x + x, 2 * x)}), None),
    }
    """
)
RUN = dedent(
    """
    import subprocess, sys
    for name, (claim, case) in {**CLAIMS, **LAMBDAS}.items():
        verdict = claim.check() if case is None else claim.check(case)
        assert verdict.reproduce.startswith("# no line can import"), verdict.reproduce
        verdict.save_case("saved.py")
        done = subprocess.run([sys.executable, "saved.py"], capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)
        head = [line for line in str(verdict).splitlines() if "reproduce" not in line]
        found = [line for line in done.stdout.splitlines() if "reproduce" not in line]
        assert found == head, (name, done.stdout)
        again, where = dl.load_case("saved.py")
        second = again.check() if where is None else again.check(where)
        assert (second.status, second.residual) == (verdict.status, verdict.residual), name
    print("all of", len(CLAIMS) + len(LAMBDAS))
    """
)


def run(folder, *arguments):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_defined_in_a_script_is_saved_with_its_source(tmp_path):
    (tmp_path / "script.py").write_text(DEFINED + RUN)
    assert run(tmp_path, "script.py") == "all of 8\n"


def test_what_is_defined_in_a_module_is_imported(tmp_path):
    (tmp_path / "mine.py").write_text(DEFINED)
    lines = dedent(
        """
        import mine
        for claim, case in mine.CLAIMS.values():
            verdict = claim.check() if case is None else claim.check(case)
            print(repr((str(verdict), verdict.reproduce)))
        """
    )
    for row in run(tmp_path, "-c", lines).splitlines():
        text, line = eval(row)
        assert run(tmp_path, "-c", line) == f"{text}\n"


def test_arrays_become_numbers_that_can_be_pasted():
    problem = dl.RandomStates((2, 2)).problem
    states = dl.States(problem, np.arange(8.0).reshape(2, 4))
    assert states.theta == ((0.0, 1.0, 2.0, 3.0), (4.0, 5.0, 6.0, 7.0))
    line = dl.AtLeast("loss", "0").check(states).reproduce
    assert "array" not in line
    exec(line, {})


@pytest.mark.parametrize("rows", [[[1, 2, 3, 4]], [np.ones(4)], (np.ones(4, dtype=np.float32),)])
def test_rows_of_any_kind_become_floats(rows):
    assert all(type(x) is float for x in dl.States(dl.RandomStates((2, 2)).problem, rows).theta[0])


def test_a_line_of_shipped_parts_is_saved_as_well(tmp_path):
    verdict = dl.AtLeast("loss", "0").check(dl.RandomStates((2, 2)))
    verdict.save_case(tmp_path / "case.py")
    assert run(tmp_path, "case.py") == f"{verdict}\n"
    claim, case = dl.load_case(tmp_path / "case.py")
    assert (claim, case) == (dl.AtLeast("loss", "0"), dl.RandomStates((2, 2)))


def test_what_has_no_source_is_refused_with_the_reason(tmp_path):
    generator = np.random.default_rng(0)

    def noisy(samples):
        return samples.read("loss") + 0 * generator.random()

    verdict = dl.Equal(noisy, "loss").check(dl.RandomStates((2, 2)))
    assert verdict.reproduce.startswith("# no line reproduces this: 'generator' is a Generator")
    with pytest.raises(ValueError, match="define it in a module that can be imported"):
        verdict.save_case(tmp_path / "case.py")


def test_two_lambdas_that_cannot_be_told_apart_are_refused():
    claim = dl.Equal(lambda s: s.read("loss"), lambda t: t.read("loss"))
    assert "cannot be told from others" in claim.check(dl.RandomStates((2, 2))).reproduce


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "other.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match=r"no file of `Verdict\.save_case`"):
        dl.load_case(tmp_path / "other.py")
