"""Pairs of images on a wide canvas, of one class or of two.

As in the code of Razin, Maman & Cohen (2022), at a size for CPUs: the digits that ship with
scikit-learn, on a canvas seven images wide, a gap between the two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.support.typing import Array

SIZE, WIDTH = 8, 56  # of an image, and of the canvas
CLASSES = 4


class Pairs(NamedTuple):
    """Canvases, shape (n, 1, SIZE, WIDTH), and whether both images are of one class."""

    canvases: Array
    same: NDArray[np.int64]
    first: NDArray[np.int64]  # which images
    second: NDArray[np.int64]


def left_edges(distance: int) -> tuple[int, int]:
    """Columns at which the two images begin, the gap between them in the middle."""
    first = WIDTH // 2 - SIZE - distance // 2
    if distance < 0 or first < 0:
        raise ValueError(f"`distance` must be from 0 to {WIDTH - 2 * SIZE}, got {distance}.")
    return first, first + SIZE + distance


def digits() -> tuple[Array, NDArray[np.int64]]:
    """Standardized images (n, 8, 8) of the classes 0 to 3, and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "P3.E2 takes its digits from scikit-learn and trains with torch: "
            'pip install "dynlens[vision]".'
        ) from error
    data = load_digits()
    kept = data.target < CLASSES
    images = data.images[kept] / 16
    return (images - images.mean()) / images.std(), data.target[kept].astype(np.int64)


def halves(count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the images for training, two thirds, and of those for testing."""
    order = np.random.default_rng(seed).permutation(count)
    return order[: 2 * count // 3], order[2 * count // 3 :]


def pairs(
    images: Array, labels: NDArray[np.int64], chosen: NDArray[np.int64], *, count: int,
    distance: int, seed: int,
) -> Pairs:  # fmt: skip
    """Draw pairs of the chosen images: of one class with probability one half.

    The class is uniform; of two classes, the second image is uniform over those of others.
    """
    rng = np.random.default_rng(seed)
    of = [chosen[labels[chosen] == k] for k in range(CLASSES)]
    others = [chosen[labels[chosen] != k] for k in range(CLASSES)]
    same, kinds = rng.integers(2, size=count), rng.integers(CLASSES, size=count)
    first = np.array([rng.choice(of[k]) for k in kinds])
    second = np.array(
        [rng.choice(of[k] if s else others[k]) for k, s in zip(kinds, same, strict=True)]
    )
    canvases = np.zeros((count, 1, SIZE, WIDTH))
    for edge, which in zip(left_edges(distance), (first, second), strict=True):
        canvases[:, 0, :, edge : edge + SIZE] = images[which]
    return Pairs(canvases, same, first, second)
