"""O.E1: the hyperspherical energy along descent on the weights, and along orthogonal training.

Neurons V, of which the weights QV shall fit a turned copy with noise, in the sum of squares. Plain
descent moves the weights themselves; tangent steps, the authors' two fixed-point iterations and
Cayley's step turn them all together. The energy of the exact flow of turns is constant.

References
----------
liu2021orthogonal
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dynlens.experiments.lab import Lab, Runs
from dynlens.support.typing import Array
from dynlens.theory.orthogonal import STEPS, rotation_of, skew
from dynlens.theory.spheres import hyperspherical_energy

D, N, SEED = 5, 8, 1
T_END = 10.0
LOOKS = 100  # times at which runs are looked at
SCALE = 0.1  # of the loss, so that steps of .1 are small
SCHEMES = {
    "plain": "descent on the weights",
    "fixed_point_0": "tangent steps",
    "fixed_point_2": "two iterations",
    "cayley": "Cayley steps",
}
ETAS = (0.1, 0.05, 0.025)


@dataclass(frozen=True, eq=False)
class Run:
    """One run.

    Parameters
    ----------
    scheme : str
    eta : float
    t, loss, energy : ndarray, shape (LOOKS + 1,)
        Energies are relative to that of the start, less one.
    defect : float
        Of Q^T Q at the end; NaN where there is no Q.
    """

    scheme: str
    eta: float
    t: Array
    loss: Array
    energy: Array
    defect: float


def instance() -> tuple[Array, Array]:
    """Return neurons V and targets, shape (D, N) each."""
    rng = np.random.default_rng(SEED)
    V = rng.standard_normal((D, N))
    turn = rotation_of("lowdin", rng.standard_normal((D, D)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    return V, turn @ V + 0.3 * rng.standard_normal((D, N))


def trained(scheme: str, eta: float) -> Run:
    """Train by one scheme."""
    V, target = instance()
    W, Q = V, np.eye(D)
    every = round(T_END / eta / LOOKS)
    states = [W]
    for _ in range(LOOKS):
        for _ in range(every):
            slope = SCALE * (W - target)
            if scheme == "plain":
                W = W - eta * slope
            else:
                Q = STEPS[scheme](-eta * skew(slope @ V.T @ Q.T), Q)
                W = Q @ V
        states.append(W)
    energies = np.array([hyperspherical_energy(W.T, 1.0) for W in states])
    return Run(
        scheme,
        eta,
        t=np.linspace(0.0, T_END, LOOKS + 1),
        loss=np.array([SCALE * np.sum((W - target) ** 2) / 2 for W in states]),
        energy=energies / energies[0] - 1,
        defect=float("nan") if scheme == "plain" else float(np.linalg.norm(Q.T @ Q - np.eye(D))),
    )


def measure(lab: Lab) -> Runs[Run]:
    """Train by every scheme, with every step size."""
    etas = ETAS[:2] if lab.quick else ETAS
    jobs = [partial(trained, scheme, eta) for scheme in SCHEMES for eta in etas]
    return Runs(job() for job in lab.each(jobs))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    return [
        {
            "scheme": SCHEMES[run.scheme],
            "eta": run.eta,
            "loss": float(run.loss[-1]),
            "energy_drift": float(run.energy[-1]),
            "defect": run.defect,
        }
        for run in runs
    ]
