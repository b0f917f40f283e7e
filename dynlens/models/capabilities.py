"""What a model may offer besides its map, by name: whoever needs it asks for it.

A model has a capability if it has the members, whatever its class is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from dynlens.support.typing import Array, ArrayLike, Factors

if TYPE_CHECKING:
    from dynlens.kernels.products import Kernel
    from dynlens.models.hierarchical import Node


@runtime_checkable
class Balancing(Protocol):
    """A chain of matrices that can be given any product, balanced; see `DeepLinear`."""

    @property
    def depth(self) -> int:
        """Number of factors."""

    def balanced_factors(self, matrix: ArrayLike) -> Factors:
        """Balanced factors whose product is `matrix`."""


@runtime_checkable
class ModeTree(Protocol):
    """A tree over the modes, with components at each interior node; see `HierarchicalTensor`."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Leaves in the order of the modes, then interior nodes, children before parents."""

    @property
    def interior(self) -> tuple[Node, ...]:
        """Interior nodes, children before parents, the root last."""

    def component_products(self, factors: Factors, others: Factors) -> list[NDArray[Any]]:
        """Inner products of the vectors of all components, an array for each interior node."""


@runtime_checkable
class SumOfPowers(Protocol):
    """A sum of powers of vectors, with lengths and directions; see `SymmetricTensor`."""

    @property
    def order(self) -> int:
        """Power of the unit vectors."""

    @property
    def degree(self) -> Any:
        """Power of the lengths, one for all components or one each."""

    @property
    def trained(self) -> bool:
        """Whether the coefficients are parameters."""

    def ravel(self, factors: Sequence[Any]) -> NDArray[Any]:
        """Stack factors into ``theta``."""

    def polar(self, factors: Factors) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Lengths and unit vectors (zero for zero), and the coefficients."""

    def masses(self, factors: Factors) -> NDArray[Any]:
        """Signed masses of the components."""

    def residual_slopes(
        self, factors: Factors, c: Array, v: Array
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Where the residual of a target pulls each component, and the target's values there."""

    def distance(self, factors: Factors, c: Array, v: Array) -> NDArray[Any]:
        """Squared distance to a target with coefficients c and unit vectors v."""

    def distance_gradient(self, factors: Factors, c: Array, v: Array) -> Factors:
        """Gradient of `distance`."""

    def gram_kernel(self, c: Array, v: Array) -> tuple[Kernel, Array] | None:
        """Compiled `distance` and its gradient, if there is one."""
