"""Eight numbers at a time.

LLVM makes vectors of a loop only if it is long: rows of twenty numbers, at places that an index
tells, it takes nearly one by one. Here the vectors are written down, which needs no guess of the
compiler's and not numba's SLP vectorizer, known for wrong code. Where a register holds fewer
numbers, a vector takes several.

Rows are padded with zeros to a multiple of `VECTOR_WIDTH`, so that no row ends inside a vector.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numba.np.arrayobj import populate_array

VECTOR_WIDTH = 8
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


# Products and sums may be contracted and taken in any order; infinities and NaNs stay.
FLAGS = ("reassoc", "contract", "nsz")
NUMBER, PLACE = ir.DoubleType(), ir.IntType(32)
VECTOR = ir.VectorType(NUMBER, VECTOR_WIDTH)
EMPTY = ir.Constant(VECTOR, ir.Undefined)


class Lanes(types.Type):
    pass


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, VECTOR)


lanes = Lanes("lanes")


def pointer(context, builder, kind, array, place):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), VECTOR.as_pointer())


@intrinsic
def load(typing_context, array, place):
    def generate(context, builder, signature, arguments):
        return builder.load(pointer(context, builder, signature.args[0], *arguments), align=8)

    return lanes(array, types.intp), generate


@intrinsic
def store(typing_context, array, place, value):
    def generate(context, builder, signature, arguments):
        *where, value = arguments
        builder.store(value, pointer(context, builder, signature.args[0], *where), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@intrinsic
def spread(typing_context, x):  # the same number in all lanes
    def generate(context, builder, signature, arguments):
        first = builder.insert_element(EMPTY, arguments[0], PLACE(0))
        zeros = ir.Constant(ir.VectorType(PLACE, VECTOR_WIDTH), [0] * VECTOR_WIDTH)
        return builder.shuffle_vector(first, EMPTY, zeros)

    return lanes(types.float64), generate


@intrinsic
def plus(typing_context, a, b):
    def generate(context, builder, signature, arguments):
        return builder.fadd(*arguments, flags=FLAGS)

    return lanes(lanes, lanes), generate


@intrinsic
def times(typing_context, a, b):
    def generate(context, builder, signature, arguments):
        return builder.fmul(*arguments, flags=FLAGS)

    return lanes(lanes, lanes), generate


@intrinsic
def total(typing_context, a):  # of all lanes
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(NUMBER, [NUMBER, VECTOR])
        name = f"llvm.vector.reduce.fadd.v{VECTOR_WIDTH}f64"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [NUMBER(-0.0), arguments[0]], fastmath=FLAGS)

    return types.float64(lanes), generate


@intrinsic
def matrix(typing_context, array, start, rows, width):  # a part: no copy, no references counted
    def generate(context, builder, signature, arguments):
        array, start, rows, width = arguments
        flat = context.make_array(signature.args[0])(context, builder, array)
        data = builder.gep(flat.data, [start])
        made = context.make_array(signature.return_type)(context, builder)
        size = context.get_constant(types.intp, 8)
        strides = [builder.mul(width, size), size]
        populate_array(
            made, data=data, shape=[rows, width], strides=strides, itemsize=size, meminfo=None
        )
        return made._getvalue()

    kind = types.float64[:, ::1]
    return kind(array, types.intp, types.intp, types.intp), generate
