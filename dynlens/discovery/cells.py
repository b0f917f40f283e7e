"""Networks with kinks, in one of their activation cells."""

from __future__ import annotations

import itertools
from typing import Any

from dynlens.support import validation


def relu_cell(widths: tuple[int, ...], *, bias: bool = False) -> dict[str, Any]:
    """Arguments of `conservation_laws` for a ReLU network in the cell where all neurons are active.

    There the network is a polynomial in its weights, and the loss of any data reads the products
    of the weights along the paths from an input, or from a bias, to an output.

    Parameters
    ----------
    widths : tuple of int
        Inputs, hidden layers, outputs.
    bias : bool
        Whether the hidden layers have biases.

    References
    ----------
    marcotte2023abide

    Examples
    --------
    >>> from dynlens.discovery import conservation_laws
    >>> print(conservation_laws(**relu_cell((2, 1, 1), bias=True)))
    PROVED  1 independent law of relu_cell((2, 1, 1), bias=True), and no other: ...
        |W1|^2 + b1[0]^2 - W2[0, 0]^2
    """
    sizes = validation.sequence("widths", widths, "for example (2, 3, 1).", int)
    if len(sizes) < 2:
        raise ValueError(f"`widths` has {len(sizes)} layers; name inputs and outputs at least.")
    layers = len(sizes) - 1
    shapes: dict[str, tuple[int, ...]] = {
        f"W{k + 1}": (sizes[k + 1], sizes[k]) for k in range(layers)
    }
    if bias:
        shapes |= {f"b{k + 1}": (sizes[k + 1],) for k in range(layers - 1)}

    def paths(*arrays: Any) -> list[Any]:
        weights, biases = arrays[:layers], arrays[layers:]
        found = []
        for first in range(layers):
            if first and not bias:
                break
            for path in itertools.product(*map(range, sizes[first:])):
                product = biases[first - 1][path[0]] if first else 1
                for k, (i, j) in enumerate(itertools.pairwise(path)):
                    product = product * weights[first + k][j, i]
                found.append(product)
        return found

    paths.__name__ = f"relu_cell({tuple(sizes)}{', bias=True' if bias else ''})"
    return {"of": paths, "shapes": shapes}
