"""The vector field of any problem: what a loop is given of it, and how it is called.

A loop of its own for a tiny problem has another such part, into which the gradient is written; see
`stepping.fields`.
"""

from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from dynlens.stepping.loops.basics import NUMBERS, PLACE, VECTOR, machine, part

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

FIELD = types.Tuple((PLACE, PLACE, NUMBERS))  # see `field_data`
ARGUMENTS = (VECTOR, VECTOR, NUMBERS, *[VECTOR] * 6)  # of the compiled field


def _call_at(typing_context, address, theta, pointers, out):
    # `Gradient.address` and `Gradient.pointers` are made for each other, and for this.
    def generate(context, builder, signature, arguments):
        address, theta, pointers, out = arguments
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

    return types.float64(types.intp, VECTOR, NUMBERS, VECTOR), generate


@machine(_call_at)
def call_at(address, theta, pointers, out):
    """Call the compiled ``field(theta, *data, out)`` at an address: the objective."""
    return address(theta, out)


@part
def size(field):
    """Return the number of parameters."""
    return field[0]


@part
def call(field, theta, out):
    """Evaluate the field at one vector into another: the objective."""
    return call_at(field[1], theta, field[2], out)
