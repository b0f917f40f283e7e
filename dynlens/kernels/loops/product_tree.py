"""Loops that evaluate a tree of products, and its derivative.

They read the tree from a table of integers, so that one compiled module serves every shape, tree
and set of entries, and take eight numbers of a row at a time (see `kernels.vectors`). If all
rows take as many vectors, that number is written into the source, and the loops over vectors become
straight lines: there is one module for all widths up to eight, one for those up to sixteen, and so
on, and one for trees of which the widths differ by more.
"""

import numpy as np
from numba import njit

from dynlens.kernels.loops.head import compiled
from dynlens.kernels.loops.vectors import (
    FLAGS,
    VECTOR_WIDTH,
    load,
    matrix,
    plus,
    spread,
    store,
    times,
    total,
)

LEAF = 0
SENSED = 1
MIX = 2
SCALE = 3
PRODUCT = 4
SUM = 5
STRIDE = 0  # padded length of all rows, if they have the same
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


options = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
inner = njit(**options)
fast = njit(**options, fastmath=set(FLAGS))
# Inlined, so that the length of a row is known in the loops.
part = njit(**options, fastmath=set(FLAGS), forceinline=True)


# Of step s. Values lie in the first half of the work space, from `place` on, and so does a copy of
# its weights; the cotangents of both lie in the second half. All rows there are padded.
@inner
def shape(index, s):  # kind, rows, length of a row, padded, place, place of the weights
    at = 10 * s + 2
    return (
        index[at],
        index[at + 1],
        index[at + 2],
        STRIDE or index[at + 3],
        index[at + 4],
        index[at + 5],
    )


@inner
def sources(index, s):  # earlier steps, then where its weights and its pairs of rows start
    at = 10 * s + 8
    return index[at], index[at + 1], index[at + 2], index[at + 3]


@compiled
def dot(left, right, out):
    np.dot(left, right, out)


@fast
def copy(source, start, n, width, to, place, stride):  # rows, padded or not
    for k in range(n):
        i, j = start + k * width, place + k * stride
        whole = width // VECTOR_WIDTH * VECTOR_WIDTH
        for c in range(0, whole, VECTOR_WIDTH):
            store(to, j + c, load(source, i + c))
        for c in range(whole, width):
            to[j + c] = source[i + c]


@fast
def cut(source, place, n, stride, to, start, width):  # the other way
    for k in range(n):
        i, j = start + k * width, place + k * stride
        whole = width // VECTOR_WIDTH * VECTOR_WIDTH
        for c in range(0, whole, VECTOR_WIDTH):
            store(to, i + c, load(source, j + c))
        for c in range(whole, width):
            to[i + c] = source[j + c]


@fast
def scale(work, a, weights, v, n, stride):
    for c in range(0, stride, VECTOR_WIDTH):
        w = load(work, weights + c)
        for k in range(0, n * stride, stride):
            store(work, v + k + c, times(load(work, a + k + c), w))


@fast
def scale_back(work, a, weights, d, da, d_weights, n, stride):
    for c in range(0, stride, VECTOR_WIDTH):
        w, sums = load(work, weights + c), spread(0.0)
        for k in range(0, n * stride, stride):
            x = load(work, d + k + c)
            store(work, da + k + c, times(x, w))
            sums = plus(sums, times(x, load(work, a + k + c)))
        store(work, d_weights + c, sums)


@fast
def turn(matrix, turned):
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            turned[j, i] = matrix[i, j]


@part
def multiply(work, a, b, left, right, v, stride):
    for k in range(len(left)):
        i, j, to = a + left[k] * stride, b + right[k] * stride, v + k * stride
        for c in range(0, stride, VECTOR_WIDTH):
            store(work, to + c, times(load(work, i + c), load(work, j + c)))


@part
def multiply_back(work, a, b, left, right, d, da, db, stride):
    for k in range(len(left)):
        i, j, at = left[k] * stride, right[k] * stride, d + k * stride
        for c in range(0, stride, VECTOR_WIDTH):
            x = load(work, at + c)
            to, also = da + i + c, db + j + c
            store(work, to, plus(load(work, to), times(x, load(work, b + j + c))))
            store(work, also, plus(load(work, also), times(x, load(work, a + i + c))))


@part
def add_up(work, a, b, left, right, stride, values):
    for k in range(len(left)):
        i, j, sums = a + left[k] * stride, b + right[k] * stride, spread(0.0)
        for c in range(0, stride, VECTOR_WIDTH):
            sums = plus(sums, times(load(work, i + c), load(work, j + c)))
        values[k] = total(sums)


@part
def add_up_back(work, a, b, left, right, stride, weights, da, db):
    for k in range(len(left)):
        i, j, x = left[k] * stride, right[k] * stride, spread(weights[k])
        for c in range(0, stride, VECTOR_WIDTH):
            to, also = da + i + c, db + j + c
            store(work, to, plus(load(work, to), times(x, load(work, b + j + c))))
            store(work, also, plus(load(work, also), times(x, load(work, a + i + c))))


@compiled
def forward(theta, index, rows, work, values):
    for s in range(index[0]):
        kind, n, width, stride, v, weights = shape(index, s)
        left, right, start, at = sources(index, s)
        if kind == LEAF:
            copy(theta, start, n, width, work, v, stride)
            continue
        if kind == SENSED:
            copy(theta, start, right, width, work, weights, stride)
            w = matrix(work, weights, right, stride)
            dot(matrix(rows, at, n, right), w, matrix(work, v, n, stride))
            continue
        _, _, inner, long, a, _ = shape(index, left)
        if kind == MIX:
            copy(theta, start, inner, width, work, weights, stride)
            w = matrix(work, weights, long, stride)
            dot(matrix(work, a, n, long), w, matrix(work, v, n, stride))
        elif kind == SCALE:
            copy(theta, start, 1, width, work, weights, stride)
            scale(work, a, weights, v, n, stride)
        else:
            b, i, j = index[10 * right + 6], index[at : at + n], index[at + n : at + 2 * n]
            if kind == PRODUCT:
                multiply(work, a, b, i, j, v, stride)
            else:
                add_up(work, a, b, i, j, stride, values)


@compiled
def backward(theta, index, rows, work, cotangent, out):
    half = index[1]
    for s in range(index[0] - 1, -1, -1):
        kind, n, width, stride, v, weights = shape(index, s)
        left, right, start, at = sources(index, s)
        d, d_weights = half + v, half + weights
        if kind == LEAF:
            cut(work, d, n, stride, out, start, width)
            continue
        if kind == SENSED:
            vectors, to = matrix(rows, at, n, right), matrix(work, d_weights, right, stride)
            dot(vectors.T, matrix(work, d, n, stride), to)
            cut(work, d_weights, right, stride, out, start, width)
            continue
        _, count, inner, long, a, _ = shape(index, left)
        da = half + a
        if kind == MIX:
            x, dx = matrix(work, a, n, long), matrix(work, da, n, long)
            w, turned = matrix(work, weights, long, stride), matrix(work, d_weights, stride, long)
            turn(w, turned)  # BLAS takes twice as long for what lies the other way
            dot(matrix(work, d, n, stride), turned, dx)
            dot(x.T, matrix(work, d, n, stride), matrix(work, d_weights, long, stride))
            cut(work, d_weights, inner, stride, out, start, width)
        elif kind == SCALE:
            scale_back(work, a, weights, d, da, d_weights, n, stride)
            cut(work, d_weights, 1, stride, out, start, width)
        else:
            _, more, _, _, b, _ = shape(index, right)
            db, i, j = half + b, index[at : at + n], index[at + n : at + 2 * n]
            work[da : da + count * stride] = 0.0
            work[db : db + more * stride] = 0.0
            if kind == PRODUCT:
                multiply_back(work, a, b, i, j, d, da, db, stride)
            else:
                add_up_back(work, a, b, i, j, stride, cotangent, da, db)
