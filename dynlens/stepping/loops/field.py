"""The vector field of any problem: what a loop is given of it, and how it is called.

A loop of its own for a tiny problem has another such part, into which the gradient is written; see
`stepping.fields`.
"""

from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from dynlens.stepping.loops.basics import NUMBERS, PLACE, VECTOR, machine

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

FIELD = types.Tuple((PLACE, PLACE, NUMBERS))  # see `field_data`
ARGUMENTS = (VECTOR, VECTOR, NUMBERS, *[VECTOR] * 6)  # of the compiled field


# Machine code, because taking an array out of a tuple would count a reference to it at each call.
def _size(typing_context, field):
    def generate(context, builder, signature, arguments):
        return builder.extract_value(arguments[0], 0)

    return types.intp(field), generate


def _call(typing_context, field, theta, out):
    # `Gradient.address` and `Gradient.pointers` are made for each other, and for this.
    def generate(context, builder, signature, arguments):
        field, theta, out = arguments
        address, pointers = (builder.extract_value(field, k) for k in (1, 2))
        places = context.make_array(NUMBERS)(context, builder, pointers).data

        def array_at(k, kind):
            made = context.make_array(kind)(context, builder)
            pointer, size = (
                builder.load(cgutils.gep_inbounds(builder, places, 2 * k + m)) for m in range(2)
            )
            eight = context.get_constant(types.intp, 8)
            data = builder.inttoptr(pointer, made.data.type)
            populate_array(
                made, data=data, shape=[size], strides=[eight], itemsize=eight, meminfo=None
            )
            return made._getvalue()

        convention = context.call_conv
        kind = convention.get_function_type(types.float64, ARGUMENTS)
        function = builder.inttoptr(address, kind.as_pointer())
        data = [array_at(k, kind) for k, kind in enumerate(ARGUMENTS[1:-1])]
        status, loss = convention.call_function(
            builder, function, types.float64, ARGUMENTS, (theta, *data, out)
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return loss

    return types.float64(field, VECTOR, VECTOR), generate


@machine(_size)
def size(field):
    """Return the number of parameters."""
    return field[0]


@machine(_call)
def call(field, theta, out):
    """Evaluate the field at one vector into another: the objective."""
    return field[1](theta, out)
