"""Formulas of arrays: gradients against complex steps, text against the reference, sentences."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dynlens as dl
from dynlens.models import formula as formulas
from dynlens.models.formulas import functions
from dynlens.models.formulas.reading import words

RNG = np.random.default_rng(0)
SHAPES = {"w": 4, "W": (4, 5), "a": 5, "V": (5, 3), "b": (), "Q": (4, 2), "P": (4, 2)}
DATA = {
    "X": RNG.standard_normal((7, 4)),
    "y": np.sign(RNG.standard_normal(7)),
    "Y": np.eye(3)[RNG.integers(0, 3, 7)],
    "rows": RNG.integers(0, 4, 6),
    "S": RNG.standard_normal((3, 5, 4)),
}
FORMULAS = [
    "sum(log(1 + exp(-y*(X @ w))))",
    "sum((relu(X @ W) @ a - y)**2) / 2",
    "mean(logsumexp(tanh(X @ W) @ V, 1) - sum(Y * (tanh(X @ W) @ V), 1))",
    "sum(W.T @ W)",
    "sum(w[rows]*2 + w[0])",
    "prod(w)",
    "norm(w) * b",
    "sum(W[1:, ::2]^3)",
    "sum(W[::-1, 4:1:-2] * b)",
    "max(X @ w) + min(w)",
    "sum(max(X @ W, axis=0))",
    "sum(softmax(W) * W)",
    "sum(log_softmax(W, axis=0) * W)",
    "sum(concatenate((w, a))**2 * b)",
    "sum(concatenate((W, Q), axis=1) @ concatenate((W, Q), 1).T)",
    "sum(outer(w, a) * W)",
    "trace(W @ W.T)",
    "sum(tanh(reshape(W, (10, 2))).T @ reshape(W.T, (-1, 2)))",
    "sum(where(X @ w > 0, (X @ w)**2, sin(X @ w)))",
    "sum(softmax((S @ Q) @ transpose(S @ P, (0, 2, 1))) @ S)",
    "sum(sigmoid(X @ W) * softplus(X @ W))",
    "sum(maximum(W, 0.1) * abs(W) * minimum(w[:, None], b))",
    "sum(gelu(W) + silu(W) + erf(W) + leaky_relu(W, 0.1))",
    "sum(expm1(w) / (1 + w**2)) + sqrt(1 + b*b)**3",
    "sum(arctan(w) + arcsinh(w) + cosh(w) + sinh(w)*cos(w) - tan(w/9) + cbrt(w**2 + 1))",
    "sum(arcsin(tanh(w)/2) + arccos(tanh(w)/2) + arctanh(tanh(w)/2) + arccosh(2 + w**2))",
    "sum((1 + w**2)**b) + b**-2",
    "w @ W @ a",
    "dot(w, w) * sum(W @ a * w)",
    "sum(mean(X @ W, 0)**2)",
    "sum(W[rows] @ V)**2",
    "sum(cos(W[-1]) * W[0, 1])",
    "sum(X @ W, 0) @ a + sum((X * w)**2)",
    "sum(exp(-(w[:, None] - a)**2))",
    "logaddexp(b, sum(w)) + Max(b, 0.5, sum(a)) + heaviside(b) * square(b)",
]


def problem_of(text, **define):
    spoken = words(text).union(*(words(part) for part in define.values()))
    shapes = {name: shape for name, shape in SHAPES.items() if name in spoken}
    data = {name: array for name, array in DATA.items() if name in spoken}
    return dl.objective(text, parameters=shapes, data=data, define=define)


def by_complex_step(function, theta):
    return np.array([np.imag(function(theta + 1e-100j * e)) / 1e-100 for e in np.eye(len(theta))])


def relative(got, wanted):
    return np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1e-300)


def as_plain_python(problem):
    """Gradient by the generated text, run by Python itself."""
    model, theta = problem.model, problem.probe
    kernel = model.kernel()
    lines = [line for line in kernel.source.splitlines() if not line.startswith("from dynlens")]
    lanes = {
        "load": lambda array, place: array[place : place + 8].copy(),
        "spread": lambda x: np.full(8, x),
        "plus": np.add,
        "times": np.multiply,
        "store": lambda array, place, value: array.__setitem__(slice(place, place + 8), value),
        "reordered": lambda function: function,
    }
    exec("\n".join(lines), lanes)
    work, tensor = np.full(kernel.work + 1, np.nan), np.full(1, np.nan)
    out, index = np.full(theta.size, np.nan), np.empty(0, dtype=int)
    lanes["forward"](theta, index, kernel.rows, work, tensor)
    lanes["backward"](theta, index, kernel.rows, work, np.ones(1), out)
    return tensor[0], out


def by_lines(problem):
    """Gradient by the generated straight lines, if there are any, run by Python itself."""
    lines = problem.model.entry_lines((0,))
    if lines is None:
        return None
    theta = problem.probe
    names = [f"x{i}" for i in range(theta.size)], [f"y{i}" for i in range(theta.size)]
    known = dict(zip(names[0], theta, strict=True)) | {
        "math": math,
        "np": np,
        "values": [0.0],
        "weight": [1.0],
        "loss_value": lambda z: z,
        "loss_derivative": lambda z: 1.0,
    }
    exec("\n".join(lines(*names, "")), known)
    return known["total"], np.array([known[name] for name in names[1]])


@pytest.mark.parametrize("text", FORMULAS)
def test_gradients_and_texts(text):
    problem = problem_of(text)
    theta = problem.probe
    wanted = by_complex_step(problem.objective, theta)
    assert relative(problem.gradient(theta), wanted) < 1e-13
    value, gradient = as_plain_python(problem)
    assert relative(gradient, wanted) < 1e-13
    assert relative(value, problem.objective(theta)) < 1e-13
    found = by_lines(problem)
    if found is not None:
        assert relative(found[1], wanted) < 1e-13


@pytest.mark.parametrize("text", FORMULAS)
def test_batches_and_hessians(text):
    problem = problem_of(text)
    theta = problem.probe * np.array([[1.0], [0.7], [-0.4]])
    singles = np.array([problem.gradient(row) for row in theta])
    assert relative(problem.gradient(theta), singles) < 1e-13
    v = np.cos(np.arange(theta[0].size))
    step = 1e-5 * v
    apart = problem.gradient(theta[0] + step) - problem.gradient(theta[0] - step)
    off = np.abs(problem.hessian_vector_product(theta[0], v) - apart / 2e-5).max()
    assert off < 1e-6 * max(1.0, np.abs(apart / 2e-5).max())


UNARY = ("tanh({})", "exp(-abs({}))", "relu({})", "softplus({})", "({})^2", "sin({})", "-({})")
BINARY = ("({} + {})", "({} * {})", "({} - {})", "maximum({}, {})", "({} / (1 + ({})^2))")
VECTORS = ("w", "(W @ a)", "w[rows][1:5]", "(Q @ P[0, :])", "W[:, 1]", "(X.T @ y)/9", "(b * w)")


@st.composite
def vectors(draw, depth=3):
    """Texts of random vectors of length four."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(VECTORS))
    if draw(st.booleans()):
        return draw(st.sampled_from(UNARY)).format(draw(vectors(depth - 1)))
    form = draw(st.sampled_from(BINARY))
    return form.format(draw(vectors(depth - 1)), draw(vectors(depth - 1)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(vectors(), st.sampled_from(("sum({})", "mean({})", "logsumexp({})", "w @ ({})", "norm({})")))
def test_random_formulas(vector, whole):
    problem = problem_of(f"{whole.format(vector)} + sum(w)/8")
    theta = problem.probe
    wanted = by_complex_step(problem.objective, theta)
    if not np.isfinite(wanted).all():
        return  # a norm of zero
    assert relative(problem.gradient(theta), wanted) < 1e-12
    assert relative(as_plain_python(problem)[1], wanted) < 1e-12


def test_a_wrong_slope_is_caught(monkeypatch):
    from dataclasses import replace

    wrong = replace(functions.FUNCTIONS["tanh"], slopes=(functions.FUNCTIONS["exp"].slopes[0],))
    monkeypatch.setitem(functions.FUNCTIONS, "tanh", wrong)
    problem = problem_of("sum(tanh(w))")
    wanted = by_complex_step(problem.objective, problem.probe)
    assert relative(problem.gradient(problem.probe), wanted) > 1e-3


def test_the_compiled_gradient_is_the_reference():
    problem = problem_of("mean(logsumexp(tanh(X @ W) @ V, 1) - sum(Y * (tanh(X @ W) @ V), 1))")
    out = np.empty(problem.model.parameters)
    value = problem.machine.module.gradient(problem.probe, *problem.machine.data, out)
    assert relative(out, problem.gradient(problem.probe)) < 1e-13
    assert relative(value, problem.objective(problem.probe)) < 1e-13


def test_text_does_not_grow_with_the_data():
    texts = []
    for n in (2000, 20_000):
        X = np.ones((n, 3))
        problem = dl.objective("sum(softplus(X @ w))", parameters={"w": 3}, data={"X": X})
        texts.append(problem.model.kernel().source)
    assert abs(len(texts[1]) - len(texts[0])) < 50


def test_large_batches_are_cut(monkeypatch):
    problem = problem_of("sum(tanh(X @ W))")
    theta = np.linspace(-1, 1, 9)[:, None] * problem.probe
    whole = problem.objective(theta)
    monkeypatch.setattr(formulas, "AT_ONCE", 200)
    assert np.array_equal(problem.objective(theta), whole)


def test_naive_losses_neither_overflow_nor_cancel():
    problem = dl.objective("sum(log(1 + exp(-w)))", parameters={"w": 2})
    assert problem.objective(np.array([700.0, 800.0])) == pytest.approx(math.exp(-700), rel=1e-14)
    assert problem.objective(np.array([-800.0, 0.0])) == pytest.approx(800 + math.log(2))


def test_names_in_claims():
    problem = problem_of("sum(exp(-q))", q="X @ w")
    path = dl.Path(problem, (0.1, 0.2, -0.1, 0.0), 2.0)
    assert dl.RateLaw("sum(w^2)", "2 * sum(exp(-q) * q)").check(path).status == "SUPPORTED"
    assert dl.RateLaw("sum(w^2)", "3 * sum(exp(-q) * q)").check(path).status == "REFUTED"
    assert dl.Equal("d_q[0] * 1", "d(q[0])").check(path).status == "SUPPORTED"
    assert dl.Equal("w_0[1]", "0.2 * 1").check(path).status == "SUPPORTED"
    assert path.trajectory.observe("X @ w").dims == ("time", "axis_0")
    with pytest.raises(ValueError, match="no array 'W'"):
        path.trajectory.observe("W @ w")


def test_events_at_kinks():
    problem = dl.objective("abs(u - 1) + v^2", parameters={"u": (), "v": ()})
    assert problem.model.kinks == ("u - 1",)
    flow = dl.gradient_flow(problem, [0.0, 1.0], 0.9, events=[dl.Event("u - 0.5", 0.0)])
    assert flow.crossings[0].t == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "kink"),
    [
        ("sum(relu(X @ W + a))", "X @ W + a"),
        ("sum(relu(-(w - 2 * w[rows][:4]) ** 2 / 3))", "-((w - 2 * w[rows][0:4]) * (w - 2"),
        ("sum(abs((w + b) * (w - b)))", "(w + b) * (w - b)"),
        ("sum(maximum(w @ W, tanh(a)))", "w @ W - tanh(a)"),
        ("sum(abs(W.T @ w)) + sum(where(w > 1, w, 2*w))", "W.T @ w"),
    ],
)
def test_kinks_are_formulas(text, kink):
    problem = problem_of(text)
    found = problem.model.kinks[0]
    assert found.startswith(kink)
    assert dl.observables.registry.find(found, problem)(problem, problem.probe).size > 1


def test_a_reproduce_line_and_a_file_recreate_it(tmp_path):
    problem = problem_of("sum(exp(-q))", q="X @ w")
    path = dl.Path(problem, (0.1, 0.2, -0.1, 0.0), 1.0)
    line = dl.Conserved("norm_of_w", readings={"norm_of_w": dl.Reading("norm(w)")}).check(path)
    made = {}
    exec(line.reproduce.replace("print(", "found = ("), made)
    assert made["found"].status == line.status == "REFUTED"
    file = path.trajectory.save(tmp_path / "run")
    assert dl.load(file).problem == problem


GOOD = {"parameters": {"w": 2}}
X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
MALFORMED = [
    # what is no formula
    ("", {}, "empty"),
    ("sum(w", {}, "cannot be read"),
    ("w +", {}, "cannot be read"),
    ("sum(w))", {}, "cannot be read"),
    ("w = 2", {}, "cannot be read"),
    ("import os", {}, "cannot be read"),
    ("__import__('os')", {}, "no function"),
    ("w.__class__", {}, "only `.T`"),
    ("w.sum()", {}, "no known function"),
    ("np.sum(w)", {}, "no known function"),
    ("lambda: w", {}, "cannot be read"),
    ("[x for x in w]", {}, "no formula of arrays"),
    ("{w}", {}, "no formula of arrays"),
    ("sum(w) if w else 1", {}, "no formula of arrays"),
    ("'w'", {}, "no real number"),
    ("True", {}, "no real number"),
    ("sum(w)*1j", {}, "no real number"),
    ("(w := 1)", {}, "no formula of arrays"),
    ("sum(*w)", {}, "no formula of arrays"),
    ("f'{w}'", {}, "no formula of arrays"),
    ("not w", {}, "logical"),
    ("w and w", {}, "no formula of arrays"),
    ("w % 2", {}, "operator"),
    ("w // 2", {}, "operator"),
    ("w == 0", {}, "other signs"),
    ("0 < w < 1", {}, "compares twice"),
    ("sum([w, w])", {}, "is a list"),
    ("(" * 300 + "w" + ")" * 300, {}, "cannot be read|nested"),
    ("-" * 5000 + "w", {}, "nested"),
    ("w" * 200_000, {}, "letters"),
    # numbers
    ("10**10**10 * sum(w)", {}, "no real number|too large"),
    ("sum(w)/0*0 + 1/0", {}, "no real number"),
    ("log(0) + sum(w)", {}, "no real number"),
    ("1e999*sum(w)", {}, "no real number"),
    # names
    ("sum(v)", {}, "did you mean|known: w"),
    ("sum(ww)", {}, "did you mean w"),
    ("summ(w)", {}, "did you mean sum"),
    ("sum", {}, "is a function"),
    ("sum(w) + exp", {}, "is a function"),
    ("cos(1)", {}, "does not depend"),
    ("sum(w)", {"parameters": {"w": 2, "v": 3}}, "does not depend"),
    ("sum(w)", {"parameters": {}}, "empty"),
    ("sum(w)", {"parameters": {"w": 2}, "data": {"w": [1.0]}}, "again"),
    ("sum(sum)", {"parameters": {"sum": 2}}, "call it otherwise"),
    ("sum(w)", {"parameters": {"d_w": 2}}, "a rate"),
    ("sum(t)", {"parameters": {"t": 2}}, "time"),
    ("sum(w_0)", {"parameters": {"w_0": 2}}, "initial"),
    ("sum(w)", {"parameters": {"w w": 2}}, "no word"),
    ("sum(w)", {"parameters": {"for": 2}}, "no word"),
    # shapes
    ("w", {}, "must be a number"),
    ("w @ X", {"data": {"X": X}}, "do not fit"),
    ("sum(X + w[:, None])", {"data": {"X": X}}, "do not fit"),
    ("w[2]", {}, "outside"),
    ("w[0, 0]", {}, "indices"),
    ("w[0.5]", {}, "whole number"),
    ("w[w]", {}, "integers"),
    ("sum(w[2:])", {}, "empty"),
    ("sum(w[::0])", {}, "step 0"),
    ("sum(w, 1)", {}, "axis 1"),
    ("sum(w, axis=(0, 0))", {}, "twice"),
    ("sum(w, dtype=float)", {}, "takes an array"),
    ("exp(w, w)", {}, "takes 1 arrays"),
    ("sum(where(w > 0, w))", {}, "takes 3 arrays"),
    ("sum(reshape(w, (3, 5)))", {}, "cannot become"),
    ("sum(concatenate(w, w))", {}, "in parentheses"),
    ("sum(concatenate((X, w)))", {"data": {"X": X}}, "shapes"),
    ("trace(w)", {}, "trace of an array"),
    ("sum(w[r])", {"data": {"r": [0, 2]}}, "row 2 of 2"),
    ("sum(w[r])", {"data": {"r": [0.0, 1.0]}}, "integers"),
    ("prod(X @ w)", {"data": {"X": np.ones((65, 2))}}, "at most 64"),
    (
        "sum(w[:, None, None] * X * y)",
        {"data": {"X": np.ones((9999, 1)), "y": np.ones(9999)}},
        "too large",
    ),
    ("sum(w)", {"parameters": {"w": 0}}, "at least 1"),
    ("sum(w)", {"parameters": {"w": (2, -1)}}, "at least 1"),
    ("sum(w)", {"parameters": {"w": 2.5}}, "give its shape"),
    ("sum(w)", {"parameters": ["w"]}, "pairs"),
    # data
    ("sum(X @ w)", {"data": {"X": [[1.0, np.nan]]}}, "NaN"),
    ("sum(X @ w)", {"data": {"X": [["a", "b"]]}}, "array of numbers"),
    ("sum(X @ w)", {"data": {"X": [[1.0], [2.0, 3.0]]}}, "array of numbers|inhomogeneous"),
    ("sum(X @ w)", {"data": {"X": [[1j, 2.0]]}}, "complex"),
    ("sum(X @ w)", {"data": {"X": np.empty((0, 2))}}, "no numbers"),
    ("sum(q)", {"define": {"q": "v @ w"}}, "no array 'v'"),
    ("sum(q)", {"define": {"q": 3}}, "as text"),
    ("sum(q)", {"define": {"q": "r", "r": "w"}}, "no array 'r'"),
]


@pytest.mark.parametrize(("text", "given", "sentence"), MALFORMED)
def test_malformed(text, given, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence) as error:
        dl.objective(text, **(GOOD | given))
    said = str(error.value)
    assert len(said) < 500
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "labels", "loss", "sentence"),
    [
        ("X @ w", [1.0, 2.0], dl.SquaredLoss(), "shape"),
        ("X @ w", [0, 1, 1], dl.LogisticLoss(), "2 \\* y - 1"),
        ("X @ w", [1, -1], dl.ExponentialLoss(), "one each"),
        ("X @ w", [0, 1, 1], dl.CrossEntropy(2), "needs \\(samples, 2\\)"),
        ("X @ w[:, None] * w", [0, 1, 2], dl.CrossEntropy(2), "counted from 0 to 1"),
        ("X @ w[:, None] * w", [0.0, 1.0, 1.0], dl.CrossEntropy(2), "as integers"),
        ("X @ w[:, None] * w", [0, 1], dl.CrossEntropy(2), "3 are predicted"),
        ("X @ w", [1, -1, np.nan], dl.LogisticLoss(), "NaN"),
        ("X @ w", [1, -1, 1], "logistic", "LogisticLoss"),
    ],
)
def test_malformed_labels(text, labels, loss, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        dl.network(text, parameters={"w": 2}, data={"X": X}, labels=labels, loss=loss)


def test_starts_by_name():
    problem = dl.objective("sum(u * v)", parameters={"u": 2, "v": ()})
    assert problem.model.theta(v=3, u=[1, 2]).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(TypeError, match="'v'"):
        problem.model.theta(u=[1, 2])
    with pytest.raises(ValueError, match=r"did you mean u|known"):
        problem.model.theta(u=[1, 2], v=1, x=1)


def test_a_quantity_does_not_hide_an_observable():
    problem = dl.objective("sum(loss^2)", parameters={"loss": 2})
    with pytest.raises(ValueError, match="call the latter otherwise"):
        dl.gradient_flow(problem, [1.0, 2.0], 1.0).observe("loss")
