"""What takes the steps of gradient descent, by name.

Each engine runs one start (`one`) and many (`many`), as a `Plan` says. Another one is a file with a
class that derives from `engines.base.Engine`, and a line here.
"""

from dynlens.dynamics.engines.base import Engine
from dynlens.dynamics.engines.compiled import Compiled
from dynlens.dynamics.engines.euler import Euler
from dynlens.dynamics.engines.reference import Reference
from dynlens.dynamics.engines.torch import Torch

ENGINES: dict[str, Engine] = {
    "numba": Compiled(),
    "numpy": Reference(),
    "torch": Torch(),
    "field": Euler(),
}
