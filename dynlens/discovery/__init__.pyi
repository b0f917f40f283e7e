# Written by `python -m dynlens.support.stubs`.
from dynlens.discovery.cells import relu_cell as relu_cell
from dynlens.discovery.laws import ConservationLaws as ConservationLaws
from dynlens.discovery.laws import Law as Law
from dynlens.discovery.laws import conservation_laws as conservation_laws
