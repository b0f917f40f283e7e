"""Permission to take all of the vector unit."""

from numba import types

from dynlens.stepping.loops.basics import machine

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


def _wide(typing_context):
    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@machine(_wide)
def wide():
    """Let the loops of the function that calls this take all of the vector unit.

    Where vectors of eight numbers once slowed the clock down, LLVM still takes half of it. The set
    of attributes knows only those without a value, hence the detour.
    """
