"""What every loop is written with: decorators, types, and vectors within one flat array."""

from numba import config, njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

# Sums may be taken in any order; infinities and NaNs stay what they are.
options = {
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "no_cfunc_wrapper": True,
}
VECTOR, NUMBERS, SCALAR, PLACE = types.float64[::1], types.int64[::1], types.float64, types.intp
MATRIX = types.float64[:, ::1]
TABLE = types.Array(types.float64, 2, "C", readonly=True)  # what a constant array is
# Never called from Python: a wrapper takes as long to compile as the function.
hidden = {**options, "no_cpython_wrapper": True}


def fast(*kinds):
    """Compile with the module what Python calls, and let other threads run meanwhile."""
    return njit(kinds, **options, nogil=True)


def declared(*kinds):
    """Compile once: a call with a constant would else be compiled for that constant alone."""
    return njit(kinds, **hidden)


seldom = njit(**options, nogil=True)  # Python calls it in tests, or at events: compiled then
inner = njit(**hidden)
# One copy of each, whoever calls it: the same bits whether compiled now or loaded from the cache.
part = njit(**hidden, forceinline=True)
# Pasted into its caller before anything is compiled.
hook = njit(**hidden, inline="always")


def machine(generated):
    """Replace a function by machine code; as plain Python it stays what it is."""
    return lambda function: function if config.DISABLE_JIT else intrinsic(generated)


def _view(context, builder, kind, flat, start, n):
    pointer = context.make_array(kind)(context, builder, flat).data
    made = context.make_array(kind)(context, builder)
    size = context.get_constant(types.intp, 8)
    data = builder.gep(pointer, [start])
    populate_array(made, data=data, shape=[n], strides=[size], itemsize=size, meminfo=None)
    return made._getvalue()


def _stretch(typing_context, w, start, n):
    def generate(context, builder, signature, arguments):
        return _view(context, builder, w, *arguments)

    return types.float64[::1](w, types.intp, types.intp), generate


def _block(typing_context, w, j, n):
    def generate(context, builder, signature, arguments):
        flat, j, n = arguments
        return _view(context, builder, w, flat, builder.mul(j, n), n)

    return types.float64[::1](w, types.intp, types.intp), generate


def _uncounted(context, builder, kind, value):
    if isinstance(kind, types.BaseTuple):
        parts = (builder.extract_value(value, k) for k in range(len(kind)))
        pairs = zip(kind, parts, strict=True)
        parts = [_uncounted(context, builder, each, part) for each, part in pairs]
        return context.make_tuple(builder, kind, parts)
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    made = context.make_array(kind)(context, builder)
    shape, strides = array.shape, array.strides
    populate_array(made, array.data, shape, strides, array.itemsize, meminfo=None)
    return made._getvalue()


def _lent(typing_context, value):
    def generate(context, builder, signature, arguments):
        return _uncounted(context, builder, value, arguments[0])

    return value(value), generate


@machine(_lent)
def lent(value):
    """Return an array, or a tuple of some, as it is: but references to it are not counted.

    Whoever called the loop holds it. To count takes a few nanoseconds at each call inside the loop,
    which is as long as a tiny gradient takes.
    """
    return value


@machine(_stretch)
def stretch(w, start, n):
    """View n numbers from a place on: no copy, no count of references, no sign to be checked."""
    return w[start : start + n]


@machine(_block)
def block(w, j, n):
    """View block j of n numbers."""
    return w[j * n : (j + 1) * n]
