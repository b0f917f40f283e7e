"""What is said where torch is not installed, or not asked for."""

import sys

import pytest

import dynlens as dl

PROBLEM = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))


def one(**how):
    return dl.gradient_descent(PROBLEM, [0.1], eta=0.1, steps=3, **how)


def many(**how):
    return dl.gradient_descent_batch(PROBLEM, [[0.1], [0.2]], eta=0.1, steps=3, **how)


DESCEND = pytest.mark.parametrize("descend", [one, many])


@DESCEND
@pytest.mark.parametrize("missing", ["torch", "array_api_compat"])
def test_without_torch_the_text_names_the_extra(monkeypatch, missing, descend):
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ImportError, match=r'pip install "dynlens\[torch\]"'):
        descend(backend="torch")


@DESCEND
@pytest.mark.parametrize("option", [{"device": "cuda"}, {"dtype": "float32"}])
def test_options_of_torch_are_refused_elsewhere(option, descend):
    with pytest.raises(ValueError, match=r"`device` and `dtype` are torch's.*backend='torch'"):
        descend(**option)


@DESCEND
def test_unknown_dtypes_are_refused(descend):
    with pytest.raises(ValueError, match="`dtype`: no 'float16'; did you mean"):
        descend(backend="torch", dtype="float16")


@DESCEND
def test_unknown_backends_are_refused(descend):
    with pytest.raises(ValueError, match="`backend`: no 'pytorch'; did you mean"):
        descend(backend="pytorch")
