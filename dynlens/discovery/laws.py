"""Conservation laws of a model: how many there are, which they are, and whether these are all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from dynlens.cases.base import Reading
from dynlens.cases.reproduce import reproduction
from dynlens.claims.equations import Conserved
from dynlens.claims.proof import Identities
from dynlens.discovery import mathematics, polynomials
from dynlens.discovery.algebraic import AlgebraicGradients
from dynlens.discovery.fields import Fields, Gradients, WithMomentum
from dynlens.discovery.modular import PRIME, Residues, residues
from dynlens.discovery.orbits import Orbit, orbit
from dynlens.discovery.polynomials import Polynomial
from dynlens.discovery.quotients import quotients, relative_invariants
from dynlens.discovery.searching import (
    gradient,
    gradient_rank,
    independent,
    polynomial_laws,
    value,
)
from dynlens.discovery.subjects import Subject, subject
from dynlens.dynamics.trajectory import Trajectory
from dynlens.support import validation
from dynlens.support.typing import Array

ONE: Polynomial = {(): 1}
SHOWN = 40  # laws that are printed


@dataclass(frozen=True)
class Law:
    """A conserved function of the parameters: a polynomial, or a quotient of two.

    Attributes
    ----------
    numerator, denominator : dict
        From monomials, tuples of places in ``theta``, to coefficients.
    """

    numerator: Polynomial
    denominator: Polynomial
    space: Subject = field(repr=False)
    fields: Fields = field(repr=False)

    @property
    def polynomial(self) -> bool:
        """Whether there is no denominator."""
        return self.denominator == ONE

    def __str__(self) -> str:
        above = mathematics.written(self.numerator, self.space)
        if self.polynomial:
            return above
        return f"({above}) / ({mathematics.written(self.denominator, self.space)})"

    @property
    def formula(self) -> str:
        """The law as a formula in the names of entries.

        Examples
        --------
        >>> from dynlens import DeepLinear
        >>> conservation_laws(DeepLinear((1, 1, 1))).laws[0].formula
        'W1[0, 0]**2 - W2[0, 0]**2'
        """
        above, below = (
            polynomials.text(part, self.space.coordinates.__getitem__)
            for part in (self.numerator, self.denominator)
        )
        return above if self.polynomial else f"({above}) / ({below})"

    @property
    def latex(self) -> str:
        """The law in LaTeX, without delimiters."""
        above, below = (
            mathematics.latex(mathematics.written(part, self.space))
            for part in (self.numerator, self.denominator)
        )
        return above if self.polynomial else rf"\frac{{{above}}}{{{below}}}"

    @cached_property
    def claim(self) -> Conserved:
        """The claim that it is constant along a path of a problem of this model.

        Raises
        ------
        TypeError
            If the law is of no model, or depends on velocities: then there is `proof`.
        """
        if self.space.model is None or self.space.moving:
            raise TypeError("only a law of a model has paths; check `law.proof`.")
        text = self.formula
        readings = {
            name: Reading("factor", parameters=(("number", k + 1),))
            for k, name in enumerate(self.space.names)
            if f"{name}[" in text and name not in self.space.model.names
        }
        size = "squared_size" if self.polynomial else f"1 + abs({text})"
        return Conserved(text, readings=tuple(readings.items()), scale=size)

    @cached_property
    def proof(self) -> Identities:
        """The claim that its rate along every field expands to zero."""
        return Identities(f"{self} is constant under every loss", derive=lambda: self._rates())

    def _rates(self) -> dict[str, Any]:
        """Rate along each field, times the square of the denominator, as it is before expansion."""
        import sympy as sp

        names = self.fields.symbols(self.space.coordinates)

        def expression(polynomial: Polynomial) -> Any:
            return polynomials.sympy(polynomial, names)

        p, q = expression(self.numerator), expression(self.denominator)
        slopes = [
            (j, factor * expression(part))
            for factor, whole in ((q, self.numerator), (-p, self.denominator))
            for j, part in polynomials.gradient(whole).items()
        ]
        found = {}
        for k, one in enumerate(self.fields.each):
            terms = [slope * expression(one[j]) for j, slope in slopes if j in one]
            found[f"along field {k}"] = sp.Add(*terms, evaluate=False)
        return found

    def check(self, case: Any) -> Any:
        """Check the law along a path; see `Claim.check`."""
        return self.claim.check(case)

    def paste(self, case: Any) -> str:
        """One line that checks the law on a case and prints the verdict."""
        return str(reproduction(self.claim, case)["reproduce"])


@dataclass(frozen=True)
class Point:
    """A given point: the orbit through it, and what the laws see of it.

    Parameters
    ----------
    orbit : int
        Dimension of the orbit.
    gradients : int
        Rank of the gradients of the laws.
    missing : int
        What both leave of the dimension of the space: zero at a generic point of a complete list.
    """

    orbit: int
    gradients: int
    missing: int


@dataclass(frozen=True)
class ConservationLaws:
    """The conservation laws of a model, found.

    Attributes
    ----------
    dimension : int
        Number D of coordinates.
    most : int
        Upper bound on the number of independent laws, proved by a minor that is not zero.
    least : int
        Lower bound, proved by laws that were verified.
    laws : tuple of Law
        Independent, the simplest first.
    found : tuple of Law
        All that were found: linearly independent, though some are functions of others.
    stated : int
        How many independent laws the model itself states, its `imbalances`.
    at : Point or None
        Of the point that was given.
    """

    name: str
    dimension: int
    most: int
    least: int
    laws: tuple[Law, ...]
    found: tuple[Law, ...]
    stated: int
    degrees: tuple[int, ...]
    ranks: tuple[int, ...]
    at: Point | None = None
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    orbit: Orbit | None = field(default=None, repr=False)

    @property
    def proved(self) -> bool:
        """Whether the bounds meet, so that every law is locally a function of these."""
        return self.least == self.most

    @property
    def count(self) -> int | tuple[int, int]:
        """Number of independent laws, or its bounds."""
        return self.most if self.proved else (self.least, self.most)

    def claims(self) -> tuple[Conserved, ...]:
        """Each law as a claim about paths."""
        return tuple(law.claim for law in self.laws)

    def observe(self, trajectory: Trajectory) -> Any:
        """Values of the laws along a run, labelled: how much descent breaks them, say.

        Returns
        -------
        xarray.DataArray, dims (time, law)

        Examples
        --------
        >>> import dynlens as dl
        >>> problem = dl.completion_problem(2)
        >>> run = dl.gradient_descent(problem, problem.init(0.5, seed=0), eta=0.1, steps=10)
        >>> values = conservation_laws(problem).observe(run)
        >>> values.dims, bool(abs(values[-1] - values[0]).max() > 1e-3)
        (('time', 'law'), True)
        """
        import xarray as xr

        if not self.laws or self.laws[0].space.moving:
            raise ValueError("there is no law of the parameters alone, so nothing to observe.")
        theta = trajectory.theta
        values = np.stack(
            [_number(law.numerator, theta) / _number(law.denominator, theta) for law in self.laws],
            axis=-1,
        )
        labels = {"time": trajectory.t, "law": [str(law) for law in self.laws]}
        return xr.DataArray(values, labels, ("time", "law"), name="laws")

    def __len__(self) -> int:
        return len(self.laws)

    def __str__(self) -> str:
        rows = [self._headline()]
        rows += [f"    {law}" for law in self.laws[:SHOWN]]
        if len(self.laws) > SHOWN:
            rows.append(f"    and {len(self.laws) - SHOWN} more")
        rows += [f"  {label:<14} {text}" for label, text in self._rows()]
        return "\n".join(rows)

    def _headline(self) -> str:
        orbit = self.dimension - self.most
        if self.proved and self.most:
            laws = "1 independent law" if self.most == 1 else f"{self.most} independent laws"
            return (
                f"PROVED  {laws} of {self.name}, and no other: the fields and their brackets span "
                f"{orbit} of {self.dimension} dimensions"
            )
        if self.proved:
            return (
                f"PROVED  no conservation law of {self.name}: the fields and their brackets span "
                f"all {self.dimension} dimensions"
            )
        return (
            f"at least {self.least}, at most {self.most} independent laws of {self.name}: the "
            f"fields and their brackets span {orbit} of {self.dimension} dimensions"
        )

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        more = len(self.found) - len(self.laws)
        if more:
            rows.append(("also found", f"{more} that are functions of these"))
        if self.stated:
            if self.stated == self.least:
                known = f"functions of the model's `imbalances`, {self.stated} of them independent"
            else:
                known = (
                    f"the model's `imbalances` are {self.stated} of them; "
                    f"{self.least - self.stated} more were found"
                )
            rows.append(("known", known))
        if not self.proved:
            searched = ", ".join(map(str, self.degrees)) or "none"
            rows.append(
                (
                    "left",
                    f"{self.most - self.least} at most, which are no polynomials of the degrees "
                    f"searched ({searched})",
                )
            )
        if self.at is not None:
            rows.append(
                (
                    "at the point",
                    f"the orbit has dimension {self.at.orbit}, the laws' gradients rank "
                    f"{self.at.gradients}; {self.at.missing} of {self.dimension} missing",
                )
            )
        rows += [("note", note) for note in self.notes]
        if self.laws and self.laws[0].space.model is not None and not self.laws[0].space.moving:
            rows.append(("claim", f"laws[0].claim = {_short(self.laws[0].claim)}"))
        return rows

    def _repr_latex_(self) -> str:
        laws = r" \\ ".join(law.latex for law in self.laws[:SHOWN]) or r"\text{no law}"
        return rf"$\displaystyle \begin{{array}}{{l}} {laws} \end{{array}}$"

    def certificate(self) -> dict[str, Any]:
        """What another program needs to check the count: point, minor and laws, for JSON."""
        assert self.orbit is not None
        return {
            "of": self.name,
            "prime": PRIME,
            "point": list(self.orbit.point),
            "ranks": list(self.ranks),
            "columns": list(self.orbit.columns),
            "at most": self.most,
            "at least": self.least,
            "laws": [law.formula for law in self.laws],
        }


def conservation_laws(
    of: Any,
    degree: int | None = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    momentum: float | None = None,
    at: Any = None,
    rational: bool = False,
    seed: int = 0,
) -> ConservationLaws:
    r"""Find all conservation laws of a model, whatever the loss.

    A function of the parameters is a *law* of a model if it is constant along the gradient flow of
    every loss of the model's outputs; of a problem, of every loss of what is observed.

    Parameters
    ----------
    of : Model, Problem, or function
        A function of arrays, with `shapes`, that returns one array or several. It is run once, on
        numbers that record what is done to them, so it may use arithmetic and square roots.
    degree : int, optional
        Highest degree of polynomials searched; 2, or 3 with momentum, unless given.
    shapes : mapping from str to tuple of int, optional
        Of the function's arrays, by name.
    momentum : float, optional
        Friction :math:`\tau` of :math:`\ddot\theta + \tau\dot\theta = -\nabla`; laws may then
        depend on velocities, primed, and on time through :math:`e^{\tau t}`.
    at : array_like, optional
        A point, ``theta`` or factors; what the orbit and the laws are there is reported too.
    rational : bool
        Whether to search quotients of polynomials up to that degree if polynomials are not all.
    seed : int
        Of the random points.

    Returns
    -------
    ConservationLaws
        Every law in it was verified by exact expansion.

    Notes
    -----
    The number of laws is the dimension less that of the orbits of the fields
    :math:`\nabla\phi_i`, whose rank is found modulo a prime at a random integer point. A minor that
    is not zero there is not zero, so "at most" is proved, whatever was drawn; "at least" is proved
    by laws that were expanded. Where both agree the number is PROVED, locally: every law is a
    function of these near a generic point.

    References
    ----------
    marcotte2023abide, marcotte2024momentum

    Examples
    --------
    >>> from dynlens import DeepLinear
    >>> print(conservation_laws(DeepLinear((2, 1, 2))))
    PROVED  1 independent law of DeepLinear((2, 1, 2)), and no other: ...
        |W1|^2 - |W2|^2
      known          functions of the model's `imbalances`, 1 of them independent
      claim          laws[0].claim = Conserved('W1[0, 0]**2 + W1[0, 1]**2 - W2[0, 0]**2 - ...
    >>> conservation_laws(lambda u, v: u * u - v * v, shapes={"u": (2,), "v": (2,)}).count
    2
    """
    began = time.perf_counter()
    asked = subject(of, shapes)
    plain = (Gradients if asked.program.polynomial else AlgebraicGradients)(asked.program)
    space: Subject = asked
    fields: Fields = plain
    if momentum is not None:
        friction = Fraction(validation.positive("momentum", momentum, allow_zero=True))
        friction = friction.limit_denominator(10**6)
        space, fields = _moving(asked, friction), WithMomentum(plain, friction)
    top = validation.count("degree", (2 if momentum is None else 3) if degree is None else degree)
    rng = np.random.default_rng([validation.seed_of(seed), 5])
    around = orbit(fields, seed=seed)
    most = fields.dimension - around.dimension
    place = fields.points(1, rng)[:, 0]
    laws, degrees, notes = _polynomial(fields, top, most, place, seed, degree is not None)
    made = [(law, ONE) for law in laws]
    if rational and _rank(made, place) < most:
        made += _rational(fields, top, seed)
    least = _rank(made, place)
    if least < most:  # an unlucky point would be seen at another
        again = orbit(fields, seed=seed + 1)
        around = max(around, again, key=lambda one: one.dimension)
        most = fields.dimension - around.dimension
    found = tuple(Law(up, down, space, fields) for up, down in made)
    rows = _gradients(made, place)
    kept = independent(rows)
    stated = 0 if momentum is not None else gradient_rank(asked.stated, place)
    return ConservationLaws(
        asked.short if momentum is None else f"{asked.short} with friction {friction}",
        fields.dimension,
        most,
        least,
        tuple(found[k] for k in kept),
        found,
        stated,
        degrees,
        around.ranks,
        None if at is None else _at(at, asked, fields, made, seed),
        notes,
        time.perf_counter() - began,
        around,
    )


def _polynomial(
    fields: Fields, top: int, most: int, place: Residues, seed: int, demanded: bool
) -> tuple[list[Polynomial], tuple[int, ...], tuple[str, ...]]:
    """Polynomial laws by increasing degree, until there can be no more; degrees searched; notes."""
    laws: list[Polynomial] = []
    degrees: list[int] = []
    groups = [[k] for k in range(1, top + 1)] if fields.homogeneous else [list(range(1, top + 1))]
    for group in groups if most else ():
        try:
            found = polynomial_laws(fields, group, seed=seed)
        except ValueError as error:
            if demanded:
                raise
            return laws, tuple(degrees), (str(error),)
        degrees += group
        laws += found.laws
        if gradient_rank(laws, place) == most:
            break
    return laws, tuple(degrees), ()


def _rational(fields: Fields, top: int, seed: int) -> list[tuple[Polynomial, Polynomial]]:
    """Quotients of relative invariants of the lowest degree that has some."""
    for degree in range(1, top + 1):
        invariants = relative_invariants(fields, degree, seed=seed)
        pairs = quotients(invariants, fields)
        if pairs:
            return [(invariants[a], invariants[b]) for a, b in pairs]
    return []


def _gradients(laws: Sequence[tuple[Polynomial, Polynomial]], place: Residues) -> Residues:
    """Gradients of quotients at a point, up to factors: ``q dp - p dq``, shape (laws, D)."""
    rows = np.zeros((len(laws), len(place)), dtype=np.int64)
    for k, (above, below) in enumerate(laws):
        first = value(below, place) * gradient(above, place) % PRIME
        rows[k] = (first - value(above, place) * gradient(below, place) % PRIME) % PRIME
    return rows


def _rank(laws: Sequence[tuple[Polynomial, Polynomial]], place: Residues) -> int:
    return len(independent(_gradients(laws, place))) if laws else 0


def _at(
    at: Any,
    asked: Subject,
    fields: Fields,
    laws: Sequence[tuple[Polynomial, Polynomial]],
    seed: int,
) -> Point:
    """What the orbit and the laws are at a given point."""
    if isinstance(at, tuple | list) and len(at) == len(asked.shapes) and np.ndim(at[0]):
        numbers = [entry for part in at for entry in np.asarray(part, dtype=object).ravel()]
    else:
        numbers = list(np.asarray(at, dtype=object).ravel())
    if len(numbers) != fields.dimension:
        raise ValueError(
            f"`at` has {len(numbers)} numbers, but {asked.name} has {fields.dimension} coordinates."
        )
    place = residues(numbers)
    here = orbit(fields, seed=seed, point=place).dimension
    seen = _rank(laws, place)
    return Point(here, seen, fields.dimension - here - seen)


def _moving(asked: Subject, friction: Fraction) -> Subject:
    """The coordinates of a flow with momentum: parameters, velocities, and exp(friction t)."""
    velocities = tuple(f"{name}'" for name in asked.names)
    clock = "exp(t)" if friction == 1 else f"exp({friction} t)"
    return replace(
        asked,
        names=(*asked.names, *velocities, clock),
        shapes=(*asked.shapes, *asked.shapes, ()),
        moving=True,
    )


def _number(polynomial: Polynomial, theta: Array) -> Array:
    """Value at states of shape (S, P), shape (S,)."""
    total = np.zeros(len(theta))
    for monomial, coefficient in polynomial.items():
        total = total + float(coefficient) * theta[:, list(monomial)].prod(axis=1)
    return total


def _short(claim: Conserved) -> str:
    text = claim.of if len(claim.of) < 60 else f"{claim.of[:56]}..."
    readings = ", readings=..." if claim.readings else ""
    return f"Conserved({text!r}{readings})"
