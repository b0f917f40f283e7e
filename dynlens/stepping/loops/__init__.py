"""The loops that numba compiles, as Python modules.

Nothing imports them at run time: `linked` joins their text into one file, with constants set, which
numba compiles and keeps on disk. Imported as they are, under ``NUMBA_DISABLE_JIT=1``, they run as
plain Python, where the address of a field is the field itself: a function of state and result.

`frame` is the loop over steps. A kind of method has a module of its own that stands in for what the
frame imports from `explicit`: ``begin_step``, ``longest``, ``attempt``, ``finish_step``,
``turned`` and ``interpolate``.
"""
