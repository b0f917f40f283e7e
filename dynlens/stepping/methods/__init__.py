"""Methods to step by, one kind a file; each enters what it makes into the table of integrators.

A file that is put here is found: nothing else lists them.
"""

from importlib import import_module
from pkgutil import iter_modules

from dynlens.stepping.integrators import INTEGRATORS

__all__ = ["INTEGRATORS"]

for module in sorted(iter_modules(__path__), key=lambda module: module.name):
    import_module(f"{__name__}.{module.name}")
