"""Experiments of the papers, repeated: a figure, a table, and what they say."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynlens.experiments import (
    f5_5,
    p1_e1,
    p1_e2,
    p2_e1,
    p3_e1,
    q1_e1,
    q1_e2,
    q1_e3,
    q1_e4,
    q2_e1,
    q2_e2,
    q2_e3,
    q2_e4,
    q3_e1,
)
from dynlens.experiments.base import Experiment, Result
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError

MODULES = (
    *(f5_5, p1_e1, p1_e2, p2_e1, p3_e1),
    *(q1_e1, q1_e2, q1_e3, q1_e4, q2_e1, q2_e2, q2_e3, q2_e4, q3_e1),
)
EXPERIMENTS: dict[str, Experiment] = {module.experiment.id: module.experiment for module in MODULES}


def reproduce(
    id: str, out_dir: str | os.PathLike[str], *, progress: bool = True, quick: bool = False
) -> Result:
    """Repeat an experiment and write its figures, table and text into a folder.

    Parameters
    ----------
    id : str
        Such as ``"P1.E1"``; see `EXPERIMENTS`.
    out_dir : path
        Made if it does not exist. Files of an earlier run are replaced, each in one move.
    progress : bool
        Show a progress bar.
    quick : bool
        A small version, in seconds: fewer curves, not as far.

    Returns
    -------
    Result

    Raises
    ------
    UnknownNameError
        If there is no such experiment.
    """
    if id not in EXPERIMENTS:
        near = validation.nearest(str(id), EXPERIMENTS)
        raise UnknownNameError(f"no experiment {id!r}; {near}")
    folder = Path(out_dir)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`out_dir`: {str(folder)!r} is a file; pass the name of a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def each(jobs: Sequence[Any]) -> Iterable[Any]:
        if not progress:
            return jobs
        from tqdm.auto import tqdm

        return tqdm(jobs, desc=id, unit="run")

    found = EXPERIMENTS[id].run(folder, quick, each)
    return replace(found, seconds=time.perf_counter() - began)


__all__ = ["EXPERIMENTS", "Experiment", "Result", "reproduce"]
