"""Points and boxes in named variables: where a statement about formulas alone is asserted.

No problem and no dynamics stand behind the variables: a claim such as ``(1 + x)**r >= 1 + r*x`` is
evaluated at points. They are taken to be the floats that they are, so that what a formula loses to
rounding is evaluated again with more digits and no error is left: see `dynlens.claims.rounding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import numpy as np

from dynlens.cases.base import Case, Reading, Samples
from dynlens.cases.formulas import word
from dynlens.problems.observations import frozen
from dynlens.support import validation
from dynlens.support.typing import Array

WIDE = 100.0  # a positive interval whose ends have this ratio is sampled in the logarithm
NEAREST = 1e-12  # how near to a bound samples come, as a share of the width
MOST_CORNERS = 64
ALONE = 4  # points that are tried by themselves while shrinking


@dataclass(frozen=True, eq=False)
class PointSamples(Samples):
    """Points by the names of their coordinates, each an array of shape (S,) or (S, k)."""

    values: dict[Any, Array]

    def __post_init__(self) -> None:
        object.__setattr__(self, "exact", self.names())

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    def read(self, name: str | Reading) -> Array:
        if name in self.values:
            return self.values[name]
        if isinstance(name, Reading):
            raise ValueError(f"{name!r} is of a problem, but these are points; name a coordinate.")
        if name == "squared_size":
            squares = [value.reshape(len(self), -1) ** 2 for value in self.values.values()]
            return np.concatenate(squares, axis=1).sum(axis=1)
        if name[:2] == "d_" and name[2:] in self.values:
            raise ValueError(f"{name!r} is a rate, but points do not move; state one as a formula.")
        if name[-2:] == "_0" and name[:-2] in self.values:
            self.check_beginning(name)
        raise self.unknown(name)

    def check_beginning(self, name: str) -> None:
        raise ValueError(
            f"{name!r} is the beginning of a path, but points have no time; check the claim on a "
            "`SystemPath`."
        )


@dataclass(frozen=True)
class Points(Case):
    """Given points, by the names of their coordinates.

    Parameters
    ----------
    values : mapping from str, or tuple of pairs
        One number, or one for each point; a coordinate that is a vector has a tuple of numbers for
        each point. A single number holds at all of them.

    Examples
    --------
    >>> from dynlens import AtLeast
    >>> bernoulli = AtLeast("(1 + x)**r", "1 + r * x")
    >>> bernoulli.check(Points({"x": (-0.5, 0.0, 3.0), "r": 2})).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> bernoulli.check(Points({"x": 1.0, "r": 0.5})).status
    <Status.REFUTED: 'REFUTED'>
    """

    values: Any

    def __post_init__(self) -> None:
        given = checked_names("values", self.values)
        arrays = {name: validation.real_array(name, value) for name, value in given}
        for name, array in arrays.items():
            if array.ndim > 2:
                raise ValueError(
                    f"`{name}` has shape {array.shape}; pass one number, or one vector, a point."
                )
        lengths = {name: len(array) for name, array in arrays.items() if array.ndim}
        if len(set(lengths.values())) > 1 or 0 in lengths.values():
            raise ValueError(
                f"`values` has coordinates of {lengths} points; give each as many, at least one."
            )
        kept = tuple((name, frozen(array)) for name, array in arrays.items())
        object.__setattr__(self, "values", kept)

    def samples(self) -> PointSamples:
        """Return the points as they are."""
        arrays = {name: np.asarray(value, dtype=float) for name, value in self.values}
        count = max((len(array) for array in arrays.values() if array.ndim), default=1)
        return PointSamples(
            {n: np.broadcast_to(a, (count, *a.shape[1:])) for n, a in arrays.items()}
        )

    def simpler(self) -> Iterator[Points]:
        """One of the points, then rounder ones."""
        found = self.samples()
        if len(found) > 1:
            yield from islice(each_alone(found), ALONE)
        for digits in (1, 2, 4):
            rounder = Points({name: rounded(np.asarray(v), digits) for name, v in self.values})
            if rounder != self:
                yield rounder


@dataclass(frozen=True)
class Box(Case):
    """Points of a box: its corners, its middle, and random ones in it and on its faces.

    Where a variable's interval is positive and wide, it is sampled in the logarithm; elsewhere
    half of the values are uniform and half come near to a bound, at distances of all sizes.

    Parameters
    ----------
    bounds : mapping from str to (low, high), or tuple of pairs
    count : int
        Number of points, corners included.
    seed : int
    entries : mapping from str to int, or tuple of pairs
        How many entries a variable that is a vector has, each within its bounds.

    Notes
    -----
    What else binds the variables is said by the claim: by `where`, or by an `Assumption`. An
    equation is kept by no random point; `falsify` goes to the points that keep it.

    Examples
    --------
    >>> from dynlens import AtLeast
    >>> box = Box({"x": (-1, 1e3), "r": (1, 10)})
    >>> AtLeast("(1 + x)**r", "1 + r * x").check(box).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> vectors = Box({"x": (0, 1)}, entries={"x": 5})
    >>> AtLeast("5 * sum(x**2)", "sum(x)**2").check(vectors).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    bounds: Any
    count: int = 200
    seed: int = 0
    entries: Any = ()

    def __post_init__(self) -> None:
        remedy = "pass (low, high), such as (0, 1)."
        kept = []
        for name, bound in checked_names("bounds", self.bounds):
            both = validation.sequence(name, bound, remedy)
            if len(both) != 2:
                raise ValueError(f"`{name}` has {len(both)} bounds, {bound!r:.80}; {remedy}")
            low, high = (validation.finite(name, end) for end in both)
            if low >= high:
                raise ValueError(
                    f"`{name}` has the bounds ({low:g}, {high:g}), which do not increase; what is "
                    "fixed is `given` to the claim."
                )
            kept.append((name, (low, high)))
        object.__setattr__(self, "bounds", tuple(kept))
        validation.count("count", self.count)
        validation.seed_of(self.seed)
        entries = validation.pairs("entries", self.entries)
        for name, size in entries:
            validation.one_of("entries", name, dict(kept))
            validation.count(f"entries of {name!r}", size)
        object.__setattr__(self, "entries", entries)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each variable: () of a number, (k,) of a vector."""
        vectors = dict(self.entries)
        return {name: ((vectors[name],) if name in vectors else ()) for name, _ in self.bounds}

    @property
    def limits(self) -> tuple[Array, Array]:
        """Lower and upper bound of every entry of every variable, one after another."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        low, high = np.array([bound for _, bound in self.bounds]).T
        return np.repeat(low, sizes), np.repeat(high, sizes)

    def named(self, rows: Array) -> PointSamples:
        """Return points, shape (S, n), under the names of their coordinates."""
        found, begin = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            found[name] = rows[:, begin : begin + size].reshape(len(rows), *shape)
            begin += size
        return PointSamples(found)

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Draw points, shape (count, n), of which a fifth lie on a face or an edge."""
        low, high = self.limits
        shape = (count, len(low))
        share = rng.random(shape)
        near = np.exp(np.log(NEAREST) * rng.random(shape))
        near = np.where(rng.random(shape) < 0.5, near, 1 - near)
        rows = low + np.where(rng.random(shape) < 0.5, share, near) * (high - low)
        wide = (low > 0) & (high > WIDE * low)
        if wide.any():
            with np.errstate(invalid="ignore", divide="ignore"):
                logs = np.exp(np.log(low) + share * (np.log(high) - np.log(low)))
            rows = np.where(wide, logs, rows)
        faces = (rng.random((count, 1)) < 0.2) & (rng.random(shape) < 0.5)
        rows = np.where(faces, np.where(rng.random(shape) < 0.5, low, high), rows)
        return np.asarray(np.clip(rows, low, high))

    def corners(self) -> Array:
        """Return the middle and, as long as they are few, all corners, shape (k, n)."""
        low, high = self.limits
        ends = product(*zip(low.tolist(), high.tolist(), strict=True))
        return np.array([((low + high) / 2).tolist(), *islice(ends, MOST_CORNERS)])

    def samples(self) -> PointSamples:
        """Return the points."""
        corners = self.corners()[: self.count]
        drawn = self.draw(np.random.default_rng(self.seed), self.count - len(corners))
        return self.named(np.concatenate([corners, drawn]))

    def simpler(self) -> Iterator[Case]:
        """Fewer points, then the one that fails by itself."""
        if self.count > 10:
            yield replace(self, count=max(1, self.count // 100))
            yield replace(self, count=self.count // 10)
        else:
            yield from each_alone(self.samples())


def checked_names(argument: str, value: Any) -> tuple[tuple[str, Any], ...]:
    """Return a mapping from names of variables as pairs, or say which name will not do."""
    found = validation.pairs(argument, value)
    if not found:
        raise ValueError(f"`{argument}` is empty; name a variable, such as 'x'.")
    for name, _ in found:
        if not name.isidentifier() or word(name) is not None or name == "pi":
            raise ValueError(f"`{argument}` has {name!r}, which is no name of a variable.")
        if name.startswith("d_") or name.endswith("_0"):
            raise ValueError(
                f"`{argument}` has {name!r}, which is a rate or the beginning of a path; call it "
                "otherwise."
            )
    return found


def each_alone(samples: PointSamples) -> Iterator[Points]:
    """Each point as a case of its own."""
    for k in range(len(samples)):
        yield point(samples.values, k)


def point(values: Mapping[str, Array], k: int) -> Points:
    """Return one point; a vector keeps its axis of points."""
    return Points({n: v[k : k + 1] if v.ndim > 1 else float(v[k]) for n, v in values.items()})


def rounded(values: Array, digits: int) -> Array:
    """Return values with so many significant digits."""
    flat = [float(f"{x:.{digits}g}") for x in np.ravel(values)]
    return np.array(flat).reshape(np.shape(values))


__all__ = ["Box", "PointSamples", "Points"]
