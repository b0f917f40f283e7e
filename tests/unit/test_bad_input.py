"""Malformed calls: each is refused at once, by the name of its argument and with a remedy."""

import json
from functools import cache

import numpy as np
import pytest

import dynlens as dl
from dynlens.catalogue import from_file
from dynlens.observables import registry
from dynlens.support.errors import UnknownNameError

pytestmark = pytest.mark.timeout(20)

# Exact kinds: numpy's own subclasses (LinAlgError, UFuncTypeError) are no words of ours.
KINDS = (TypeError, ValueError, UnknownNameError, FileNotFoundError)

NAN, INF = np.nan, np.inf
I2 = np.eye(2)
COMPLETION = dl.completion_problem(2)
MATRICES = dl.completion_problem(1)
SCALARS = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
RECTANGLE = dl.Problem(dl.DeepLinear((2, 3)), dl.SquaredLoss(), dl.Full(np.ones((3, 2))))
NARROW = dl.Problem(dl.DeepLinear((2, 1, 2)), dl.SquaredLoss(), dl.Full(I2))
PATH = dl.Path(SCALARS, (0.1, 0.1), 1.0, saves=5)
WIDE_PATH = dl.Path(COMPLETION, dl.Start(0.5, "identity"), 1.0, saves=5)
TWO = dl.States(SCALARS, ((0.1, 0.2), (0.3, 0.4)))
TRUE = dl.Equal(left="loss", right="loss")
FALSE = dl.Equal(left="loss", right="2 * loss")


def flow(problem=SCALARS, theta0=(0.1, 0.1), **options):
    return dl.gradient_flow(problem, theta0, **({"t_end": 1.0, "saves": 5} | options))


def descent(problem=SCALARS, theta0=(0.1, 0.1), **options):
    return dl.gradient_descent(problem, theta0, **({"eta": 0.1, "steps": 5} | options))


@cache
def run():
    return flow()


@cache
def descended():
    return descent()


def watching(problem=COMPLETION, **event):
    """Watch for an event along a short flow."""
    return flow(problem, problem.init(0.5, kind="identity"), events=[dl.Event(**event)])


def equal(left="loss", right="loss", case=PATH, **options):
    return dl.Equal(left=left, right=right, **options).check(case)


def theorem(checks=None, controls=None):
    return dl.Theorem(
        "X.1",
        "title",
        "source",
        (dl.Check(TRUE, (PATH,)),) if checks is None else checks,
        {"wrong": dl.Check(FALSE, (PATH,))} if controls is None else controls,
    )


def bad(name, call, kind, *said):
    """A malformed call, the kind of its refusal, and pieces of the text."""
    return pytest.param(call, kind, said, id=name)


def assert_refused(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert caught.type in KINDS, f"{caught.type.__name__} is not one of ours: {text}"
    missing = [piece for piece in said if piece not in text]
    assert not missing, f"{caught.type.__name__} says {text!r}, without {missing}"


# -- models, losses, observations, problems -------------------------------------------------------

MODELS = [
    bad("widths: a number", lambda: dl.DeepLinear(3), TypeError, "`widths`", "(d_0, ..., d_L)"),
    bad("widths: only one", lambda: dl.DeepLinear((3,)), ValueError, "`widths`", "at least two"),
    bad("widths: zero", lambda: dl.DeepLinear((2, 0)), ValueError, "`widths`", "at least 1"),
    bad("widths: a fraction", lambda: dl.DeepLinear((2, 2.5)), TypeError, "`widths`", "integer"),
    bad("widths: text", lambda: dl.DeepLinear("22"), TypeError, "`widths`", "integer"),
    bad("widths: a truth value", lambda: dl.DeepLinear((True, 2)), TypeError, "`widths`"),
    bad(
        "of: no depth",
        lambda: dl.DeepLinear.of(shape=(2, 3), depth=0),
        ValueError,
        "`depth`",
        "at least 1",
    ),
    bad(
        "of: no hidden width",
        lambda: dl.DeepLinear.of(shape=(2, 3), depth=2, hidden=0),
        ValueError,
        "`hidden`",
    ),
    bad(
        "of: shape is a number",
        lambda: dl.DeepLinear.of(shape=3, depth=2),
        TypeError,
        "`shape`",
    ),
    bad(
        "of: shape of order three",
        lambda: dl.DeepLinear.of(shape=(2, 3, 4), depth=2),
        ValueError,
        "`shape`",
    ),
    bad(
        "ravel: too few factors",
        lambda: dl.DeepLinear((2, 2, 2)).ravel([I2]),
        ValueError,
        "`factors` has 1 arrays",
        "needs 2",
    ),
    bad(
        "ravel: a factor of the wrong shape",
        lambda: dl.DeepLinear((2, 2)).ravel([np.eye(3)]),
        ValueError,
        "`factors[0]`",
        "(3, 3)",
        "needs (2, 2)",
    ),
    bad(
        "ravel: batches of two sizes",
        lambda: dl.DeepLinear((2, 2, 2)).ravel([np.ones((3, 2, 2)), np.ones((4, 2, 2))]),
        ValueError,
        "`factors",
        "(3,)",
        "(4,)",
    ),
    bad(
        "balanced_factors: wrong shape",
        lambda: dl.DeepLinear((2, 2, 2)).balanced_factors(np.eye(3)),
        ValueError,
        "`matrix` must have shape (2, 2)",
    ),
    bad(
        "balanced_factors: rank too high",
        lambda: dl.DeepLinear((2, 1, 2)).balanced_factors(I2),
        ValueError,
        "`matrix` has rank 2",
        "widen the network or lower the rank",
    ),
]

LOSSES = [
    bad("reduction: unknown", lambda: dl.SquaredLoss("average"), UnknownNameError, "mean, sum"),
    bad(
        "reduction: misspelt",
        lambda: dl.HuberLoss(reduction="summ"),
        UnknownNameError,
        "`reduction`",
        "did you mean sum?",
    ),
    bad("half: a number", lambda: dl.SquaredLoss(half=1), TypeError, "`half`", "pass True"),
    bad("threshold: zero", lambda: dl.HuberLoss(0.0), ValueError, "`threshold`", "positive"),
    bad("threshold: text", lambda: dl.HuberLoss("1"), TypeError, "`threshold`", "number"),
    bad("threshold: infinite", lambda: dl.HuberLoss(INF), ValueError, "`threshold`", "finite"),
]


def entries(shape=(2, 2), indices=((0, 1),), values=(1.0,)):
    return dl.Entries(shape, indices, values)


OBSERVATIONS = [
    bad("entries: none", lambda: entries(indices=[], values=[]), ValueError, "`indices` is empty"),
    bad(
        "entries: duplicates",
        lambda: entries(indices=[(0, 0), (0, 0)], values=[1, 1]),
        ValueError,
        "`indices` has (0, 0) more than once",
        "observe each entry once",
    ),
    bad(
        "entries: out of range",
        lambda: entries(indices=[(0, 2)]),
        ValueError,
        "`indices` has (0, 2)",
        "outside shape (2, 2)",
        "zero-based",
    ),
    bad(
        "entries: negative", lambda: entries(indices=[(-1, 0)]), ValueError, "`indices`", "(-1, 0)"
    ),
    bad(
        "entries: fractions",
        lambda: entries(indices=[(0.0, 1.0)]),
        TypeError,
        "`indices` must be tuples of integers",
    ),
    bad(
        "entries: ragged indices",
        lambda: entries(indices=[(0, 1), (1,)], values=[1, 1]),
        TypeError,
        "`indices`",
    ),
    bad(
        "entries: values are missing",
        lambda: entries(indices=[(0, 1), (1, 1)]),
        ValueError,
        "`indices` has shape (2, 2)",
        "1 values",
    ),
    bad(
        "entries: indices of another order",
        lambda: entries(indices=[(0, 1, 1)]),
        ValueError,
        "`indices`",
        "order 2 need (1, 2)",
    ),
    bad("entries: nan", lambda: entries(values=[NAN]), ValueError, "`values` has a NaN", "(0,)"),
    bad("entries: text", lambda: entries(values=["a"]), TypeError, "`values`", "numbers"),
    bad("entries: complex", lambda: entries(values=[1j]), TypeError, "`values`", "pass `.real`"),
    bad(
        "entries: shape is a number",
        lambda: entries(shape=4, indices=[(0,)]),
        TypeError,
        "`shape` must be a tuple",
    ),
    bad("entries: no shape", lambda: entries((), [()]), ValueError, "`shape` is empty", "(2, 2)"),
    bad(
        "of: an index with too many parts",
        lambda: dl.Entries.of(I2, [(0, 1, 0)]),
        ValueError,
        "`indices` must be integers of shape (n, 2)",
    ),
    bad(
        "of: out of range",
        lambda: dl.Entries.of(I2, [(0, 2)]),
        ValueError,
        "`indices` has (0, 2), outside shape (2, 2)",
    ),
    bad(
        "of: a ragged target",
        lambda: dl.Entries.of([[1, 2], [3]], [(0, 0)]),
        TypeError,
        "`target` must be an array of numbers",
    ),
    bad(
        "of: ragged indices",
        lambda: dl.Entries.of(I2, [(0, 1), (1,)]),
        ValueError,
        "`indices` must be integers of shape (n, 2)",
    ),
    bad(
        "sample: nothing",
        lambda: dl.Entries.sample(I2, fraction=0, seed=0),
        ValueError,
        "`fraction` must be positive",
    ),
    bad(
        "sample: more than all",
        lambda: dl.Entries.sample(I2, fraction=2, seed=0),
        ValueError,
        "`fraction` must be in (0, 1]",
    ),
    bad(
        "sample: no seed",
        lambda: dl.Entries.sample(I2, fraction=0.5, seed=None),
        TypeError,
        "`seed` is required",
        "try seed=0",
    ),
    bad(
        "sample: a number",
        lambda: dl.Entries.sample(3.0, fraction=0.5, seed=0),
        ValueError,
        "`target`",
    ),
    bad("full: a number", lambda: dl.Full(3.0), ValueError, "`target` is the number 3.0"),
    bad("full: nothing", lambda: dl.Full([]), ValueError, "`shape` must be at least 1"),
    bad("full: infinite", lambda: dl.Full([[INF]]), ValueError, "`target`", "(0, 0)", "remove it"),
    bad(
        "sensing: vectors for a matrix",
        lambda: dl.Sensing.of(I2, np.ones((2, 2))),
        ValueError,
        "`tensors` must have 3 axes",
    ),
    bad(
        "sensing: of another shape",
        lambda: dl.Sensing.of(I2, np.ones((2, 3, 3))),
        ValueError,
        "`tensors` has shape (2, 3, 3)",
        "needs (n, 2, 2)",
    ),
    bad(
        "sensing: no tensors",
        lambda: dl.Sensing(np.ones((0, 2, 2)), []),
        ValueError,
        "`tensors` must have shape (n, *shape) with n >= 1",
    ),
    bad(
        "sensing: values are missing",
        lambda: dl.Sensing(np.ones((2, 2, 2)), [1.0]),
        ValueError,
        "`values` must have shape (2,)",
    ),
    bad(
        "sensing: nan",
        lambda: dl.Sensing(np.full((1, 2, 2), NAN), [1.0]),
        ValueError,
        "`tensors` has a NaN",
        "(0, 0, 0)",
    ),
    bad(
        "sensing: tensors without entries",
        lambda: dl.Sensing(np.ones((2, 0)), [1.0, 1.0]),
        ValueError,
        "`tensors`",
    ),
    bad(
        "gaussian: no measurement",
        lambda: dl.Sensing.gaussian(I2, count=0, seed=0),
        ValueError,
        "`count` must be at least 1",
    ),
    bad(
        "gaussian: seed is text",
        lambda: dl.Sensing.gaussian(I2, count=1, seed="x"),
        TypeError,
        "`seed` must be an integer",
    ),
    bad(
        "low rank: more than the matrix has",
        lambda: dl.problems.low_rank_matrix((2, 3), rank=3, seed=0),
        ValueError,
        "`rank` is 3",
        "(2, 3)",
    ),
    bad(
        "low rank: negative norm",
        lambda: dl.problems.low_rank_matrix((2, 2), rank=1, seed=1, norm=-1),
        ValueError,
        "`norm` must be positive",
    ),
    bad(
        "low rank: shape is a number",
        lambda: dl.problems.low_rank_matrix(3, rank=1, seed=0),
        TypeError,
        "`shape`",
    ),
    bad(
        "low rank: shape of order three",
        lambda: dl.problems.low_rank_matrix((2, 3, 4), rank=1, seed=0),
        ValueError,
        "`shape`",
    ),
]


def problem(model=MATRICES.model, loss=MATRICES.loss, seen=MATRICES.observations):
    return dl.Problem(model, loss, seen)


PROBLEMS = [
    bad("model: a number", lambda: problem(3), TypeError, "`model` must be a Model, got int"),
    bad(
        "loss: the class, not an instance",
        lambda: problem(loss=dl.SquaredLoss),
        TypeError,
        "`loss` must be a Loss",
        "`SquaredLoss()`",
    ),
    bad("observations: an array", lambda: problem(seen=I2), TypeError, "`observations`", "Entries"),
    bad(
        "observations: of another shape",
        lambda: problem(seen=dl.Full(np.eye(3))),
        ValueError,
        "`observations` are of a tensor of shape (3, 3)",
        "makes shape (2, 2)",
    ),
    bad("init: no scale", lambda: COMPLETION.init(0, seed=0), ValueError, "`scale`", "positive"),
    bad("init: nan", lambda: COMPLETION.init(NAN, seed=0), ValueError, "`scale` must be finite"),
    bad("init: text", lambda: COMPLETION.init("big", seed=0), TypeError, "`scale`", "number"),
    bad(
        "init: misspelt kind",
        lambda: COMPLETION.init(1.0, kind="balance", seed=0),
        UnknownNameError,
        "`kind`: no 'balance'",
        "did you mean balanced?",
    ),
    bad("init: no seed", lambda: COMPLETION.init(1.0), TypeError, "`seed` is required"),
    bad("init: negative seed", lambda: COMPLETION.init(1.0, seed=-3), ValueError, "`seed`", "0"),
    bad("init: fractional seed", lambda: COMPLETION.init(1.0, seed=0.5), TypeError, "`seed`"),
    bad(
        "init: identity through a narrow layer",
        lambda: NARROW.init(1.0, kind="identity"),
        ValueError,
        "makes no multiple of the identity",
        "widen it",
    ),
    bad(
        "determinant: zero",
        lambda: COMPLETION.init(1.0, seed=0, determinant=0),
        ValueError,
        "`determinant` must be 1 or -1",
    ),
    bad(
        "determinant: of a rectangle",
        lambda: RECTANGLE.init(1.0, seed=0, determinant=1),
        ValueError,
        "`determinant` needs a square",
        "(3, 2)",
    ),
    bad(
        "determinant: no seed",
        lambda: COMPLETION.init(1.0, determinant=1),
        TypeError,
        "`seed` is required",
    ),
    bad(
        "determinant: unknown kind",
        lambda: COMPLETION.init(1.0, kind="x", seed=0, determinant=1),
        UnknownNameError,
        "`kind`",
        "balanced, gaussian, identity",
    ),
    bad(
        "determinant: negative scale",
        lambda: COMPLETION.init(-1.0, seed=0, determinant=1),
        ValueError,
        "`scale` must be positive",
    ),
    bad(
        "determinant: scale is nan",
        lambda: COMPLETION.init(NAN, seed=0, determinant=1),
        ValueError,
        "`scale` must be finite",
    ),
    bad(
        "determinant: scale is text",
        lambda: COMPLETION.init("big", seed=0, determinant=1),
        TypeError,
        "`scale` must be a number",
    ),
    bad(
        "determinant: through a narrow layer",
        lambda: NARROW.init(1.0, seed=0, determinant=1),
        ValueError,
        "`determinant`",
    ),
    bad(
        "hessian: theta too short",
        lambda: COMPLETION.hessian(np.ones(7)),
        ValueError,
        "`theta` must have shape (8,)",
    ),
    bad("hessian: nan", lambda: COMPLETION.hessian(np.full(8, NAN)), ValueError, "`theta`", "NaN"),
    bad(
        "objective: theta too long",
        lambda: COMPLETION.objective(np.ones(9)),
        ValueError,
        "`theta`",
        "8",
    ),
    bad(
        "gradient: theta too short",
        lambda: COMPLETION.gradient(np.ones(7)),
        ValueError,
        "`theta`",
        "8",
    ),
    bad(
        "compiled field: theta too short",
        lambda: COMPLETION.compiled_field(0.0, np.ones(7)),
        ValueError,
        "`theta`",
        "8",
    ),
    bad(
        "compiled field: theta too long",
        lambda: COMPLETION.compiled_field(0.0, np.ones(9)),
        ValueError,
        "`theta`",
        "8",
    ),
    bad(
        "completion: no depth",
        lambda: dl.completion_problem(0),
        ValueError,
        "`depth` must be at least 1",
    ),
    bad(
        "completion: too small",
        lambda: dl.completion_problem(2, size=1),
        ValueError,
        "`size` must be at least 2",
    ),
    bad(
        "completion: nan",
        lambda: dl.completion_problem(2, observed=(1, NAN, 0)),
        ValueError,
        "`observed` must be finite",
    ),
    bad(
        "completion: loss is text",
        lambda: dl.completion_problem(2, loss="huber"),
        TypeError,
        "`loss` must be a Loss",
    ),
    bad(
        "completion: two values",
        lambda: dl.completion_problem(2, observed=(1, 1)),
        ValueError,
        "`observed`",
        "three",
    ),
]

# -- flow, descent --------------------------------------------------------------------------------

FLOW = [
    bad("problem: none", lambda: flow(None), TypeError, "`problem` must be a Problem", "NoneType"),
    bad(
        "theta0: too short",
        lambda: flow(theta0=[0.1]),
        ValueError,
        "`theta0` has shape (1,)",
        "2 parameters",
        "problem.init",
        "model.ravel",
    ),
    bad("theta0: nan", lambda: flow(theta0=[0.1, NAN]), ValueError, "`theta0`", "NaN", "(1,)"),
    bad("theta0: a matrix", lambda: flow(theta0=[[0.1, 0.1]]), ValueError, "`theta0`", "(1, 2)"),
    bad("theta0: complex", lambda: flow(theta0=[1j, 0]), TypeError, "`theta0` is complex"),
    bad("t_end: zero", lambda: flow(t_end=0), ValueError, "`t_end` must be after the start"),
    bad("t_end: negative", lambda: flow(t_end=-1.0), ValueError, "`t_end`", "after the start"),
    bad("t_end: nan", lambda: flow(t_end=NAN), ValueError, "`t_end` must be finite"),
    bad("t_end: infinite", lambda: flow(t_end=INF), ValueError, "`t_end` must be finite"),
    bad("t_end: text", lambda: flow(t_end="later"), TypeError, "`t_end` must be a number"),
    bad("t_end: none", lambda: flow(t_end=None), TypeError, "`t_end` must be a number"),
    bad("t_end: no times", lambda: flow(t_end=[]), ValueError, "`t_end` is an empty", "pass the"),
    bad("t_end: unordered", lambda: flow(t_end=[0, 2, 1]), ValueError, "`t_end`", "increasing"),
    bad("t_end: repeated", lambda: flow(t_end=[0, 1, 1]), ValueError, "`t_end`", "increasing"),
    bad("t_end: before 0", lambda: flow(t_end=[-1, 0]), ValueError, "`t_end`", ">= 0"),
    bad("t_end: a table", lambda: flow(t_end=[[0, 1]]), ValueError, "`t_end` must have 1 axes"),
    bad("t_end: nan inside", lambda: flow(t_end=[0, NAN]), ValueError, "`t_end` has a NaN"),
    bad(
        "method: misspelt",
        lambda: flow(method="RK54"),
        UnknownNameError,
        "`method`: no 'RK54'",
        "did you mean RK45",
    ),
    bad("method: unlike any", lambda: flow(method="x"), UnknownNameError, "`method`", "LSODA"),
    bad("method: a number", lambda: flow(method=5), TypeError, "`method`", "'DOP853'"),
    bad("method: a class", lambda: flow(method=dict), TypeError, "`method`", "scipy's OdeSolver"),
    bad("rtol: zero", lambda: flow(rtol=0), ValueError, "`rtol` must be positive"),
    bad("rtol: negative", lambda: flow(rtol=-1e-3), ValueError, "`rtol` must be positive"),
    bad("rtol: nan", lambda: flow(rtol=NAN), ValueError, "`rtol` must be finite"),
    bad("atol: negative", lambda: flow(atol=-1), ValueError, "`atol` must be zero or positive"),
    bad("atol: a list", lambda: flow(atol=[1e-3, 1e-3]), TypeError, "`atol` must be a number"),
    bad("saves: one", lambda: flow(saves=1), ValueError, "`saves` must be at least 2"),
    bad("saves: a fraction", lambda: flow(saves=2.5), TypeError, "`saves` must be an integer"),
    bad("saves: unknown", lambda: flow(saves="lin"), UnknownNameError, "`saves`", "known: log"),
    bad(
        "events: names",
        lambda: flow(events=["loss"]),
        TypeError,
        "`events` must be a Event",
        "`loss_below(1e-4)`",
    ),
    bad(
        "events: one, not in a list",
        lambda: flow(events=dl.loss_below(1e-3)),
        TypeError,
        "`events`",
    ),
    bad(
        "max_evaluations: none at all",
        lambda: flow(max_evaluations=0),
        ValueError,
        "`max_evaluations` must be at least 1",
    ),
    bad(
        "max_evaluations: a fraction",
        lambda: flow(max_evaluations=1e6),
        TypeError,
        "`max_evaluations` must be an integer",
    ),
    bad("max_seconds: zero", lambda: flow(max_seconds=0), ValueError, "`max_seconds`", "positive"),
    bad("max_seconds: nan", lambda: flow(max_seconds=NAN), ValueError, "`max_seconds`", "finite"),
    bad("observables: one name", lambda: flow(observables="loss"), TypeError, "`observables`"),
    bad(
        "observables: misspelt",
        lambda: flow(observables=["lss"]),
        UnknownNameError,
        "no observable 'lss'",
        "did you mean loss",
    ),
]

EVENTS = [
    bad(
        "observable: misspelt",
        lambda: flow(events=[dl.Event("losss", 1.0)]),
        UnknownNameError,
        "no observable 'losss'",
        "did you mean loss",
    ),
    bad("observable: a number", lambda: dl.Event(3, 1.0), TypeError, "observable", "string"),
    bad("value: nan", lambda: dl.Event("loss", NAN), ValueError, "`value` must be finite"),
    bad(
        "direction: in words",
        lambda: dl.Event("loss", 1.0, direction="down"),
        ValueError,
        "`direction` must be -1, 0 or 1",
    ),
    bad("count: none", lambda: dl.Event("loss", 1.0, count=0), ValueError, "`count` must be at"),
    bad(
        "where: an entry of a number",
        lambda: watching(observable="loss", value=1.0, where=(0,)),
        ValueError,
        "`where` is (0,)",
        "name one entry",
    ),
    bad(
        "where: out of range",
        lambda: watching(observable="singular_values", value=1.0, where=(3,)),
        ValueError,
        "`where` is (3,)",
        "has shape (2,)",
    ),
    bad(
        "where: left out",
        lambda: watching(observable="singular_values", value=1.0),
        ValueError,
        "`where` is ()",
        "name one entry",
    ),
    bad(
        "where: a row",
        lambda: watching(observable="end_to_end", value=1.0, where=(0,)),
        ValueError,
        "`where` is (0,)",
        "(2, 2)",
    ),
    bad(
        "parameters: unknown",
        lambda: watching(observable="schatten_norm", value=1.0, parameters=(("q", 2),)),
        TypeError,
        "'schatten_norm' takes ['p'], not 'q'",
    ),
    bad(
        "parameters: out of range",
        lambda: watching(observable="schatten_norm", value=1.0, parameters=(("p", -1),)),
        ValueError,
        "`p` must be positive",
    ),
    bad(
        "parameters: a number",
        lambda: watching(observable="schatten_norm", value=1.0, parameters=5),
        TypeError,
        "`parameters`",
    ),
    bad(
        "determinant: of a rectangle",
        lambda: flow(RECTANGLE, np.ones(6), events=[dl.Event("determinant", 0.0)]),
        ValueError,
        "`determinant` needs a square matrix",
    ),
    bad(
        "an observable of a whole path",
        lambda: watching(observable="signed_singular_values", value=0.0, where=(0,)),
        ValueError,
        "signed_singular_values",
        "path",
    ),
    bad("loss_below: zero", lambda: dl.loss_below(0), ValueError, "`value` must be positive"),
    bad("loss_below: text", lambda: dl.loss_below("1"), TypeError, "`value` must be a number"),
    bad(
        "log_times: zero", lambda: dl.dynamics.log_times(0), ValueError, "`t_end` must be positive"
    ),
    bad(
        "log_times: two",
        lambda: dl.dynamics.log_times(1.0, 2),
        ValueError,
        "`count` must be at least 3",
    ),
    bad(
        "log_times: first is last",
        lambda: dl.dynamics.log_times(1.0, first=1.0),
        ValueError,
        "`first` is 1, not before `t_end` = 1",
    ),
]

DESCENT = [
    bad("problem: text", lambda: descent("p"), TypeError, "`problem` must be a Problem"),
    bad("theta0: too short", lambda: descent(theta0=[0.1]), ValueError, "`theta0`", "problem.init"),
    bad("theta0: nan", lambda: descent(theta0=[0.1, NAN]), ValueError, "`theta0` has a NaN"),
    bad("eta: zero", lambda: descent(eta=0), ValueError, "`eta` must be positive"),
    bad("eta: negative", lambda: descent(eta=-0.1), ValueError, "`eta` must be positive"),
    bad("eta: nan", lambda: descent(eta=NAN), ValueError, "`eta` must be finite"),
    bad("eta: a schedule", lambda: descent(eta=[0.1, 0.2]), TypeError, "`eta` must be a number"),
    bad("steps: none", lambda: descent(steps=0), ValueError, "`steps` must be at least 1"),
    bad("steps: a fraction", lambda: descent(steps=10.0), TypeError, "`steps` must be an integer"),
    bad(
        "method: unknown",
        lambda: descent(method="lbfgs"),
        UnknownNameError,
        "`method`: no 'lbfgs'",
        "adagrad, adam, grouprmsprop, momentum, plain, rmsprop",
    ),
    bad(
        "backend: misspelt",
        lambda: descent(backend="nunpy"),
        UnknownNameError,
        "`backend`",
        "did you mean numpy?",
    ),
    bad("saves: one", lambda: descent(saves=1), ValueError, "`saves` must be at least 2"),
    bad("saves: unknown", lambda: descent(saves="lin"), UnknownNameError, "`saves`", "log"),
    bad("saves: nothing", lambda: descent(saves=[]), ValueError, "`saves` must be a number, 'log'"),
    bad("saves: times", lambda: descent(saves=[0.0, 0.1]), ValueError, "`saves`", "step numbers"),
    bad("saves: beyond the end", lambda: descent(saves=[0, 6]), ValueError, "`saves`", "0 and 5"),
    bad("saves: unordered", lambda: descent(saves=[3, 1]), ValueError, "`saves`", "increasing"),
    bad("saves: negative", lambda: descent(saves=[-1, 1]), ValueError, "`saves`", "between 0"),
    bad("saves: none", lambda: descent(saves=None), TypeError, "`saves` must be an integer"),
    bad("stop_below: negative", lambda: descent(stop_below=-1), ValueError, "`stop_below`"),
    bad("stop_below: nan", lambda: descent(stop_below=NAN), ValueError, "`stop_below`", "finite"),
    bad("max_seconds: zero", lambda: descent(max_seconds=0), ValueError, "`max_seconds`"),
]

# -- trajectories ---------------------------------------------------------------------------------

TRAJECTORIES = [
    bad(
        "observe: misspelt",
        lambda: run().observe("los"),
        UnknownNameError,
        "no observable 'los'",
        "did you mean loss",
    ),
    bad(
        "observe: unlike any",
        lambda: run().observe("zzz"),
        UnknownNameError,
        "known: alignment, component_",
    ),
    bad("observe: a number", lambda: run().observe(3), TypeError, "named by a string"),
    bad(
        "observe: a parameter it does not take",
        lambda: run().observe("loss", p=3),
        TypeError,
        "'loss' takes [], not 'p'",
    ),
    bad("observe: p = 0", lambda: run().observe("schatten_norm", p=0), ValueError, "`p`"),
    bad("observe: p is text", lambda: run().observe("schatten_norm", p="two"), TypeError, "`p`"),
    bad("observe: rank", lambda: run().observe("rank_distance", rank=-1), ValueError, "`rank`"),
    bad(
        "rates: no derivative",
        lambda: run().rates("effective_rank"),
        TypeError,
        "no exact derivative",
        "@effective_rank.derivative",
    ),
    bad("error: misspelt", lambda: run().error("losss"), UnknownNameError, "did you mean loss"),
    bad("dataset: unknown", lambda: run().dataset(["loss", "x"]), UnknownNameError, "'x'"),
    bad(
        "dataset: one name",
        lambda: run().dataset("loss"),
        TypeError,
        "`names`",
    ),
    bad(
        "at: of descent",
        lambda: descended().at([0.1]),
        ValueError,
        "only a flow computed in this process",
        "gradient_flow(problem, theta0, times)",
    ),
    bad("at: nan", lambda: run().at([NAN]), ValueError, "`times` has a NaN"),
    bad("at: a number", lambda: run().at(0.5), ValueError, "`times` must have 1 axes"),
    bad(
        "at: unordered",
        lambda: run().at([0.5, 0.1]),
        ValueError,
        "`times`",
        "increasing",
    ),
    bad(
        "at: before the start",
        lambda: run().at([-0.5, 0.1]),
        ValueError,
        "`times`",
        ">= 0",
    ),
    bad("at: no times", lambda: run().at([]), ValueError, "`times`"),
    bad(
        "trajectory: states of another size",
        lambda: dl.Trajectory(SCALARS, np.ones(2), np.ones((2, 3))),
        ValueError,
        "`theta` has shape (2, 3)",
        "need (2, 2)",
    ),
    bad(
        "observable: the decorator without parentheses",
        lambda: dl.observable(lambda problem, factors: 0.0),
        TypeError,
        "`@observable()`",
    ),
]

# -- claims, cases, theorems ----------------------------------------------------------------------

FORMULAS = [
    bad(
        "an unknown quantity",
        lambda: equal("losss"),
        UnknownNameError,
        "no quantity 'losss'",
        "did you mean loss",
    ),
    bad("a misspelt number", lambda: equal(right="depht"), UnknownNameError, "did you mean depth?"),
    bad("unlike any", lambda: equal("zzz"), UnknownNameError, "known: alignment", " more."),
    bad("unfinished", lambda: equal("loss +"), ValueError, "formula 'loss +' is not a sympy"),
    bad("empty", lambda: equal(""), ValueError, "formula '' is not"),
    bad("unbalanced", lambda: equal("loss)"), ValueError, "formula 'loss)' is not"),
    bad("an assignment", lambda: equal("loss = 1"), ValueError, "formula 'loss = 1' is not"),
    bad(
        "a backend that is none",
        lambda: dl.DescentCase(SCALARS, (0.1, 0.1), 1.0, (0.04, 0.02, 0.01), backend="nump"),
        UnknownNameError,
        "`backend`",
        "did you mean numpy",
    ),
    bad(
        "a device without torch",
        lambda: dl.DescentCase(SCALARS, (0.1, 0.1), 1.0, (0.04, 0.02, 0.01), device="cuda"),
        ValueError,
        "`device` and `dtype` are torch's",
        "pass backend='torch'",
    ),
    bad("a comparison", lambda: equal("loss > 1"), TypeError, "'loss > 1'", "one expression"),
    bad("a list", lambda: equal("[loss, 1]"), TypeError, "must be one expression"),
    bad("an unknown function", lambda: equal("foo(loss)"), ValueError, "formula 'foo(loss)'"),
    bad("an attribute", lambda: equal("loss.real"), ValueError, "formula 'loss.real'"),
    bad("none", lambda: equal(None), TypeError, "`left`"),
    bad("nan", lambda: equal(NAN), ValueError, "`left` must be finite"),
    bad(
        "division by zero",
        lambda: equal(right="1/0"),
        ValueError,
        "formula '1/0'",
    ),
    bad(
        "a root of minus one",
        lambda: equal(right="sqrt(-1)"),
        ValueError,
        "formula 'sqrt(-1)'",
    ),
    bad(
        "time where there is none",
        lambda: equal(right="t", case=TWO),
        ValueError,
        "speaks of `t`",
        "no time",
    ),
    bad(
        "a rate without a derivative",
        lambda: equal("d_effective_rank"),
        TypeError,
        "'effective_rank' has no exact derivative",
    ),
    bad(
        "sides of different sizes",
        lambda: equal("singular_values", "imbalances", WIDE_PATH),
        ValueError,
        "singular_values",
        "imbalances",
    ),
    bad("given: text", lambda: equal(given={"a": "x"}), TypeError, "'a'", "must be a number"),
    bad("given: nan", lambda: equal(given={"a": NAN}), ValueError, "'a'", "must be finite"),
    bad("given: a number", lambda: equal(given=5), TypeError, "`given`"),
    bad(
        "reading: unknown",
        lambda: equal("q", readings={"q": dl.Reading("schatten")}),
        UnknownNameError,
        "no observable 'schatten'",
        "did you mean schatten_norm?",
    ),
    bad(
        "reading: an entry out of range",
        lambda: equal("q", readings={"q": dl.Reading("singular_values", where=(7,))}),
        ValueError,
        "`where`",
    ),
    bad(
        "assumption: an unknown quantity",
        lambda: equal(assumptions=(dl.Assumption("x", "losss"),)),
        UnknownNameError,
        "did you mean loss",
    ),
    bad("assumption: malformed", lambda: dl.Assumption("x", "loss +"), ValueError, "'loss +'"),
    bad(
        "assumption: bounds in reverse",
        lambda: dl.Assumption("x", "loss", low=2.0, high=1.0),
        ValueError,
        "`low`",
        "`high`",
    ),
    bad(
        "assumption: a bound is text",
        lambda: dl.Assumption("x", "loss", low="a"),
        TypeError,
        "`low`",
    ),
    bad(
        "assumptions: one, not in a tuple",
        lambda: equal(assumptions=dl.BALANCED),
        TypeError,
        "`assumptions`",
    ),
    bad(
        "assumptions: names",
        lambda: equal(assumptions=("balanced",)),
        TypeError,
        "`assumptions`",
    ),
    bad(
        "tolerance: negative",
        lambda: equal(tolerance=-1.0),
        ValueError,
        "`tolerance`",
    ),
    bad("tolerance: text", lambda: equal(tolerance="x"), TypeError, "`tolerance`"),
    bad("after: text", lambda: equal(after="x"), TypeError, "`after`"),
    bad("case: none", lambda: TRUE.check(None), TypeError, "`case` must be a Case", "Path("),
]

CLAIMS = [
    bad(
        "rate law: no derivative",
        lambda: dl.RateLaw(of="effective_rank", rate="1").check(PATH),
        TypeError,
        "'effective_rank' has no exact derivative",
        "@effective_rank.derivative",
    ),
    bad(
        "rate law: misspelt",
        lambda: dl.RateLaw(of="losss", rate="1").check(PATH),
        UnknownNameError,
        "losss",
        "did you mean loss",
    ),
    bad("rate law: malformed", lambda: dl.RateLaw(of="loss", rate="2*"), ValueError, "'2*'"),
    bad(
        "conserved: misspelt",
        lambda: dl.Conserved(of="imbalance").check(PATH),
        UnknownNameError,
        "did you mean imbalances",
    ),
    bad(
        "at least: misspelt",
        lambda: dl.AtLeast(left="loss", right="determinan").check(PATH),
        UnknownNameError,
        "did you mean determinant?",
    ),
    bad("at least: malformed", lambda: dl.AtLeast(left="loss", right="(1"), ValueError, "'(1'"),
    bad(
        "power law: misspelt",
        lambda: dl.PowerLaw(of="lost", against="t", exponent=1.0).check(PATH),
        UnknownNameError,
        "did you mean loss",
    ),
    bad(
        "power law: exponent in words",
        lambda: dl.PowerLaw(of="loss", against="t", exponent="two").check(PATH),
        TypeError,
        "`exponent`",
    ),
    bad(
        "power law: exponent is nan",
        lambda: dl.PowerLaw(of="loss", against="t", exponent=NAN),
        ValueError,
        "`exponent`",
    ),
    bad(
        "power law: negative band",
        lambda: dl.PowerLaw(of="loss", against="t", exponent=1.0, band=-1.0),
        ValueError,
        "`band`",
    ),
    bad(
        "power law: of several components",
        lambda: dl.PowerLaw(of="singular_values", against="t", exponent=1.0).check(WIDE_PATH),
        ValueError,
        "singular_values",
        "Reading",
    ),
    bad(
        "power law: against a constant",
        lambda: dl.PowerLaw(of="loss", against="2", exponent=1.0).check(PATH),
        ValueError,
        "`against`",
    ),
    bad(
        "frequency: more than certain",
        lambda: dl.Frequency(event="loss", probability=2.0).check(TWO),
        ValueError,
        "`probability`",
    ),
    bad(
        "frequency: never",
        lambda: dl.Frequency(event="loss", probability=0.0).check(TWO),
        ValueError,
        "`probability`",
    ),
    bad(
        "frequency: negative width",
        lambda: dl.Frequency(event="loss", probability=0.5, sigmas=-1.0),
        ValueError,
        "`sigmas`",
    ),
    bad("falsify: text", lambda: dl.falsify("x", PATH), TypeError, "`claim`"),
    bad("falsify: no case", lambda: dl.falsify(TRUE, None), TypeError, "`case` must be a Case"),
]


def checked(case):
    return TRUE.check(case)


CASES = [
    bad(
        "path: start too short",
        lambda: checked(dl.Path(SCALARS, (0.1,), 1.0)),
        ValueError,
        "`start` has shape (1,)",
        "2 parameters",
    ),
    bad(
        "path: no time", lambda: checked(dl.Path(SCALARS, (0.1, 0.1), -1.0)), ValueError, "`t_end`"
    ),
    bad(
        "path: misspelt method",
        lambda: checked(dl.Path(SCALARS, (0.1, 0.1), 1.0, method="LSODE")),
        UnknownNameError,
        "`method`",
        "did you mean LSODA?",
    ),
    bad(
        "path: a recipe without seed",
        lambda: checked(dl.Path(SCALARS, dl.Start(0.1), 1.0)),
        TypeError,
        "`seed` is required",
    ),
    bad(
        "path: negative step",
        lambda: checked(dl.Path(SCALARS, (0.1, 0.1), 1.0, eta=-0.1)),
        ValueError,
        "`eta` must be positive",
    ),
    bad(
        "path: no step",
        lambda: checked(dl.Path(SCALARS, (0.1, 0.1), 1.0, eta=0.0)),
        ValueError,
        "`eta`",
    ),
    bad(
        "path: no problem",
        lambda: checked(dl.Path("p", (0.1, 0.1), 1.0)),
        TypeError,
        "`problem` must be a Problem",
    ),
    bad(
        "states: too short",
        lambda: checked(dl.States(SCALARS, ((0.1,),))),
        ValueError,
        "`theta` has shape (1,)",
    ),
    bad("states: nan", lambda: checked(dl.States(SCALARS, ((0.1, NAN),))), ValueError, "`theta`"),
    bad("states: flat", lambda: checked(dl.States(SCALARS, (0.1, 0.1))), ValueError, "2 axes"),
    bad("states: none", lambda: checked(dl.States(SCALARS, ())), ValueError, "`theta`"),
    bad(
        "random states: one width",
        lambda: checked(dl.RandomStates((2,))),
        ValueError,
        "`widths` must list at least two",
    ),
    bad(
        "random states: unknown start",
        lambda: checked(dl.RandomStates((2, 2), start="orthogonal")),
        UnknownNameError,
        "balanced, gaussian, identity",
    ),
    bad(
        "random states: negative scale",
        lambda: checked(dl.RandomStates((2, 2), scale=-1.0)),
        ValueError,
        "`scale` must be positive",
    ),
    bad(
        "random states: no fraction",
        lambda: checked(dl.RandomStates((2, 2), fraction=0.0)),
        ValueError,
        "`fraction` must be positive",
    ),
    bad(
        "random states: more than all",
        lambda: checked(dl.RandomStates((2, 2), fraction=2.0)),
        ValueError,
        "`fraction`",
    ),
    bad(
        "random states: none",
        lambda: checked(dl.RandomStates((2, 2), count=0)),
        ValueError,
        "`count` must be at least 1",
    ),
    bad(
        "random states: no seed",
        lambda: checked(dl.RandomStates((2, 2), seed=None)),
        TypeError,
        "`seed` is required",
    ),
    bad(
        "random states: widths are a number",
        lambda: checked(dl.RandomStates(2)),
        TypeError,
        "`widths`",
    ),
    bad(
        "random matrices: of a deep network",
        lambda: checked(dl.RandomMatrices(COMPLETION, 10, 0)),
        ValueError,
        "`problem`",
        "depth 1",
    ),
    bad(
        "random matrices: none",
        lambda: checked(dl.RandomMatrices(MATRICES, 0, 0)),
        ValueError,
        "`count` must be at least 1",
    ),
    bad(
        "random matrices: no seed",
        lambda: checked(dl.RandomMatrices(MATRICES, 5, None)),
        TypeError,
        "`seed` is required",
    ),
    bad(
        "random matrices: negative scales",
        lambda: checked(dl.RandomMatrices(MATRICES, 5, 0, scales=(-1.0, 1.0))),
        ValueError,
        "`scales`",
    ),
    bad(
        "random matrices: determinant of 5",
        lambda: checked(dl.RandomMatrices(MATRICES, 5, 0, determinant=5)),
        ValueError,
        "`determinant` must be 1 or -1",
    ),
    bad(
        "random matrices: determinant of a rectangle",
        lambda: checked(dl.RandomMatrices(RECTANGLE, 5, 0, determinant=1)),
        ValueError,
        "`determinant` needs a square",
    ),
    bad(
        "system: another start",
        lambda: dl.SystemPath({"s": "s"}, {"r": 1.0}, 1.0),
        ValueError,
        "`start` must give every variable of `fields`",
    ),
    bad(
        "system: an unknown name",
        lambda: dl.SystemPath({"s": "q"}, {"s": 1.0}, 1.0).samples(),
        ValueError,
        "`fields` use 'q'",
        "known: s, t",
    ),
    bad(
        "system: malformed",
        lambda: dl.SystemPath({"s": "s +"}, {"s": 1.0}, 1.0).samples(),
        ValueError,
        "formula 's +'",
    ),
    bad(
        "system: no time",
        lambda: dl.SystemPath({"s": "s"}, {"s": 1.0}, -1.0),
        ValueError,
        "`t_end` must be positive",
    ),
    bad(
        "system: start is nan",
        lambda: dl.SystemPath({"s": "s"}, {"s": NAN}, 1.0),
        ValueError,
        "`s` must be finite",
    ),
    bad(
        "system: given text",
        lambda: dl.SystemPath({"s": "a*s"}, {"s": 1.0}, 1.0, {"a": "x"}),
        TypeError,
        "`a` must be a number",
    ),
    bad(
        "system: unknown method",
        lambda: dl.SystemPath({"s": "s"}, {"s": 1.0}, 1.0, method="LSODE"),
        UnknownNameError,
        "`method`",
        "did you mean LSODA?",
    ),
    bad(
        "system: unknown saves",
        lambda: dl.SystemPath({"s": "s"}, {"s": 1.0}, 1.0, saves="lin").samples(),
        TypeError,
        "`saves`",
    ),
    bad(
        "system: an unknown quantity in the claim",
        lambda: equal("r", "1", dl.SystemPath({"s": "s"}, {"s": 1.0}, 1.0)),
        UnknownNameError,
        "no quantity 'r'",
        "known: s, t",
    ),
    bad(
        "system: fields are a number",
        lambda: dl.SystemPath(5, {"s": 1.0}, 1.0),
        TypeError,
        "`fields`",
    ),
    bad(
        "system: negative rtol",
        lambda: dl.SystemPath({"s": "s"}, {"s": 1.0}, 1.0, rtol=-1.0).samples(),
        ValueError,
        "`rtol` must be positive",
    ),
    bad(
        "system: no variables",
        lambda: dl.SystemPath({}, {}, 1.0).samples(),
        ValueError,
        "`fields`",
    ),
]

THEOREMS = [
    bad("no controls", lambda: theorem(controls={}), ValueError, "X.1 has no controls", "fail"),
    bad("no checks", lambda: theorem(checks=()).verify(), ValueError, "check"),
    bad(
        "checks: one, not in a tuple",
        lambda: theorem(checks=dl.Check(TRUE, (PATH,))),
        TypeError,
        "`checks`",
    ),
    bad(
        "controls: without names",
        lambda: theorem(controls=(dl.Check(FALSE, (PATH,)),)),
        TypeError,
        "`controls`",
    ),
    bad(
        "control: unknown",
        lambda: theorem().control("wrng"),
        UnknownNameError,
        "no 'wrng'",
        "did you mean wrong?",
    ),
    bad(
        "check: no cases",
        lambda: dl.Check(TRUE, ()).verdict(),
        ValueError,
        "`cases`",
    ),
    bad(
        "check: one case, not in a tuple",
        lambda: dl.Check(TRUE, PATH).verdict(),
        TypeError,
        "`cases`",
    ),
    bad(
        "check: a claim about states without a case",
        lambda: dl.Check(TRUE).verdict(),
        TypeError,
        "`case` must be a Case",
    ),
    bad(
        "check: a claim in words",
        lambda: dl.Check("loss = loss", (PATH,)).verdict(),
        TypeError,
        "`claim`",
    ),
    bad(
        "identities: none",
        lambda: dl.Identities("nothing", dict).check(),
        ValueError,
        "`derive`",
    ),
    bad(
        "identities: without names",
        lambda: dl.Identities("a list", lambda: [0]).check(),
        TypeError,
        "`derive`",
    ),
    bad("theorem: misspelt", lambda: dl.theorem("P1.T9"), UnknownNameError, "'P1.T9'", "P1.T1"),
    bad("theorem: unknown", lambda: dl.theorem("zzz"), UnknownNameError, "no theorem 'zzz'", "A.3"),
    bad("theorems: no such prefix", lambda: dl.theorems("Z"), UnknownNameError, "'Z'", "known:"),
    bad(
        "theorems: a number",
        lambda: dl.theorems(5),
        TypeError,
        "`prefix`",
    ),
    bad("verify: no such prefix", lambda: dl.verify(["Z"]), UnknownNameError, "no theorem 'Z'"),
    bad(
        "verify: one id, not in a list",
        lambda: dl.verify("Z"),
        TypeError,
        "`ids`",
    ),
]

GROUPS = {
    "models": MODELS,
    "losses": LOSSES,
    "observations": OBSERVATIONS,
    "problems": PROBLEMS,
    "flow": FLOW,
    "events": EVENTS,
    "descent": DESCENT,
    "trajectories": TRAJECTORIES,
    "formulas": FORMULAS,
    "claims": CLAIMS,
    "cases": CASES,
    "theorems": THEOREMS,
}
CALLS = [
    pytest.param(*case.values, id=f"{group}, {case.id}")
    for group, cases in GROUPS.items()
    for case in cases
]


@pytest.mark.parametrize(("call", "kind", "said"), CALLS)
def test_a_malformed_call_is_refused_in_words(call, kind, said):
    assert_refused(call, kind, said)


# -- files ----------------------------------------------------------------------------------------


def without_suffix(folder):
    path = folder / "theorems.txt"
    path.write_text("a = 1")
    return from_file(path)


def without_theorem(folder):
    path = folder / "empty.py"
    path.write_text("a = 1")
    return from_file(path)


def saved(folder):
    return run().save(folder / "run")


def retold(folder, **changes):
    """Save a run, and change its header; None drops an entry."""
    path = saved(folder)
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    header = json.loads(str(content["header"])) | changes
    kept = {name: value for name, value in header.items() if value is not None}
    np.savez(path, **(content | {"header": json.dumps(kept)}))
    return dl.load(path)


def of_bytes(folder, content):
    path = folder / "run.npz"
    path.write_bytes(content)
    return dl.load(path)


def of_arrays(folder, **arrays):
    np.savez(folder / "run.npz", **arrays)
    return dl.load(folder / "run.npz")


def single_array(folder):
    np.save(folder / "run.npy", np.ones(3))
    return dl.load(folder / "run.npy")


NOT_SAVED = "is not a saved trajectory"
FILES = [
    bad("load: no file", lambda d: dl.load(d / "nothing.npz"), FileNotFoundError, "nothing.npz"),
    bad("load: a folder", lambda d: dl.load(d), ValueError, "`path`", NOT_SAVED),
    bad("load: text", lambda d: of_bytes(d, b"hello"), ValueError, "`path`", NOT_SAVED),
    bad("load: another archive", lambda d: of_arrays(d, t=np.ones(2)), ValueError, NOT_SAVED),
    bad("load: a broken header", lambda d: of_arrays(d, header="{"), ValueError, NOT_SAVED),
    bad(
        "load: an empty file",
        lambda d: of_bytes(d, b""),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: half a file",
        lambda d: of_bytes(d, saved(d).read_bytes()[:-100]),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a flipped byte",
        lambda d: of_bytes(d, saved(d).read_bytes().replace(b"NUMPY", b"NUMPI", 1)),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad("load: one array", single_array, ValueError, "`path`", NOT_SAVED),
    bad(
        "load: a header that is a list",
        lambda d: of_arrays(d, header="[1]", t=np.ones(2)),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a header without status",
        lambda d: retold(d, status=None),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a problem without class",
        lambda d: retold(d, problem={"a": 1}),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a problem in words",
        lambda d: retold(d, problem="completion"),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a class with other fields",
        lambda d: retold(d, problem={"class": "dynlens.problems.problem:Problem", "x": 1}),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: a module that does not exist",
        lambda d: retold(d, problem={"class": "dynlens.nothing:Model"}),
        ValueError,
        "Model",
        "import it before loading",
    ),
    bad(
        "load: a crossing without its state",
        lambda d: retold(d, crossings=[["loss = 1", 0.5]]),
        ValueError,
        "`path`",
        NOT_SAVED,
    ),
    bad(
        "load: an unknown class",
        lambda d: retold(d, problem={"class": "os:system"}),
        ValueError,
        "needs `system` from os",
        "import it before loading",
    ),
    bad(
        "from_file: no file",
        lambda d: from_file(d / "x.py"),
        FileNotFoundError,
        "no file",
        "pass a Python file",
    ),
    bad("from_file: a folder", from_file, FileNotFoundError, "pass a Python file"),
    bad(
        "from_file: no theorem in it",
        without_theorem,
        ValueError,
        "states no theorem",
        "bind a `Theorem(...)`",
    ),
    bad(
        "from_file: not a Python file",
        without_suffix,
        ValueError,
        "theorems.txt",
    ),
]


@pytest.mark.parametrize(("call", "kind", "said"), FILES)
def test_a_broken_file_is_refused_in_words(call, kind, said, tmp_path):
    assert_refused(lambda: call(tmp_path), kind, said)


# -- the harness itself ---------------------------------------------------------------------------


def test_there_are_at_least_fifty_malformed_calls_with_distinct_names():
    names = [case.id for case in CALLS + FILES]
    assert len(names) == len(set(names))
    assert len(names) >= 50, f"only {len(names)}"


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        pytest.param(lambda: dl.DeepLinear((2, 2)), ValueError, (), id="nothing is wrong"),
        pytest.param(lambda: dl.DeepLinear((3,)), ValueError, ("`depth`",), id="other words"),
        pytest.param(lambda: np.linalg.inv(np.zeros((2, 2))), ValueError, (), id="numpy's error"),
        pytest.param(lambda: {}["x"], KeyError, (), id="a bare KeyError"),
    ],
)
def test_the_harness_refuses_a_call_that_is_not_refused_well(call, kind, said):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        assert_refused(call, kind, said)


def test_an_unknown_name_is_both_a_key_error_and_a_value_error():
    for kind in (KeyError, ValueError):
        with pytest.raises(kind, match="no observable 'x'"):
            registry.find("x")
