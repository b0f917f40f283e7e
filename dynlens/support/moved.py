"""Modules that have moved: imported by their old path they are the new one, with a warning."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec

# Nothing from `typing` while running, and no base classes: every `import dynlens` pays for them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# Old home of a public name -> its home now, below `dynlens`; to be dropped with version 0.3.
MOVED = {
    "batches": "dynamics.batches",
    "claims.comparison": "comparison.comparison",
    "claims.first_order": "comparison.first_order",
    "claims.modified": "cases.backward_error",
    "claims.slopes": "comparison.slopes",
    "closed_forms": "theory.closed_forms",
    "compiled": "kernels.cache",
    "descent": "dynamics.descent",
    "errors": "support.errors",
    "events": "dynamics.events",
    "flow": "dynamics.flow",
    "instances": "problems.instances",
    "losses": "problems.losses",
    "modified": "dynamics.modified",
    "observations": "problems.observations",
    "problem": "problems.problem",
    "rank_one_sum": "problems.rank_one_sum",
    "regression": "theory.regression",
    "report": "catalogue.report",
    "spheres": "theory.spheres",
    "sweep": "support.sweep",
    "trajectory": "dynamics.trajectory",
    "typing": "support.typing",
}


class Moved:
    """Finds what has moved; asked only for what is nowhere else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for an old path, None for any other."""
        package, _, name = fullname.partition(".")
        found = package == "dynlens" and name in MOVED
        return ModuleSpec(fullname, self) if found else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module at its new place, the same object that its new path gives."""
        home = f"dynlens.{MOVED[spec.name.partition('.')[2]]}"
        import warnings

        warnings.warn(
            f"{spec.name} is {home} now; import from dynlens, or from there.",
            DeprecationWarning,
            stacklevel=2,
        )
        module = importlib.import_module(home)
        spec.loader_state = module.__spec__  # which the import system is about to overwrite
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back; it was executed where it lives."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let old paths be found, once."""
    if not any(isinstance(finder, Moved) for finder in sys.meta_path):
        sys.meta_path.append(Moved())
