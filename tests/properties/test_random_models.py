"""Gradients of random models agree with the complex step: any shape, tree, width and loss."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from dynlens import CPFactorization, DeepLinear, HierarchicalTensor, SquaredLoss, SymmetricTensor
from dynlens.testing import compiled, derivatives, problem_of


@st.composite
def trees(draw, modes):
    """A random tree over the modes, a single one being a leaf."""
    if len(modes) == 1:
        return modes[0]
    pieces = draw(st.integers(2, len(modes)))
    cuts = sorted(draw(st.permutations(range(1, len(modes))))[: pieces - 1])
    bounds = [0, *cuts, len(modes)]
    return tuple(draw(trees(modes[a:b])) for a, b in itertools.pairwise(bounds))


@st.composite
def symmetric(draw):
    """Vanilla, 2-homogeneous, or each component its own; with signs, or trained coefficients."""
    order, m = draw(st.integers(2, 4)), draw(st.integers(1, 4))
    each = st.lists(st.integers(2, 5), min_size=m, max_size=m).map(tuple)
    signs = st.lists(st.sampled_from([-1.0, 0.5, 2.0]), min_size=m, max_size=m).map(tuple)
    degree = draw(st.one_of(st.none(), st.just(2), each))
    coefficients = draw(st.one_of(st.none(), st.just(1.0), signs))
    return SymmetricTensor(draw(st.integers(1, 3)), order, m, degree, coefficients)


@st.composite
def models(draw):
    kind = draw(st.sampled_from(["deep", "cp", "tree", "symmetric"]))
    if kind == "deep":
        return DeepLinear(tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))))
    if kind == "symmetric":
        return draw(symmetric())
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=5)))
    if kind == "cp":
        return CPFactorization(shape, draw(st.integers(1, 4)))
    tree = draw(trees(draw(st.permutations(range(len(shape))))))
    return HierarchicalTensor(shape, tree, draw(st.integers(1, 4)), draw(st.booleans()))


losses = st.builds(SquaredLoss, st.sampled_from(["sum", "mean"]), half=st.booleans())


@settings(max_examples=60, deadline=None)
@given(model=models(), loss=losses, seen=st.sampled_from(["entries", "full", "sensing"]))
def test_gradients_and_hessians_agree_with_the_complex_step(model, loss, seen):
    derivatives(problem_of(model, loss, seen))


@settings(max_examples=25, deadline=None)
@given(model=models().filter(lambda model: not isinstance(model, DeepLinear)))
def test_compiled_gradients_agree_with_the_reference(model):
    compiled(problem_of(model))
