"""Experiments of the papers, repeated: a figure, a table, and what they say.

A folder is an experiment, a file is something that several of them share. In each folder
``runs.py`` computes and knows nothing of words, ``report.py`` makes words and pictures of runs, and
``experiment.py`` alone knows both; P1.E1, the longest, has ``integration.py`` and ``pictures.py``
besides. A sentence that concludes has the comparison as its condition.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynlens.experiments.base import Experiment, Result
from dynlens.experiments.f5_5.experiment import experiment as _f5_5
from dynlens.experiments.o_e1.experiment import experiment as _o_e1
from dynlens.experiments.p1_e1.experiment import experiment as _p1_e1
from dynlens.experiments.p1_e2.experiment import experiment as _p1_e2
from dynlens.experiments.p2_e1.experiment import experiment as _p2_e1
from dynlens.experiments.p3_e1.experiment import experiment as _p3_e1
from dynlens.experiments.p3_e2.experiment import experiment as _p3_e2
from dynlens.experiments.q1_e1.experiment import experiment as _q1_e1
from dynlens.experiments.q1_e2.experiment import experiment as _q1_e2
from dynlens.experiments.q1_e3.experiment import experiment as _q1_e3
from dynlens.experiments.q1_e4.experiment import experiment as _q1_e4
from dynlens.experiments.q2_e1.experiment import experiment as _q2_e1
from dynlens.experiments.q2_e2.experiment import experiment as _q2_e2
from dynlens.experiments.q2_e3.experiment import experiment as _q2_e3
from dynlens.experiments.q2_e4.experiment import experiment as _q2_e4
from dynlens.experiments.q3_e1.experiment import experiment as _q3_e1
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError
from dynlens.support.progress import tracked

EXPERIMENTS: dict[str, Experiment[Any]] = {
    experiment.id: experiment
    for experiment in (
        *(_f5_5, _o_e1, _p1_e1, _p1_e2, _p2_e1, _p3_e1, _p3_e2),
        *(_q1_e1, _q1_e2, _q1_e3, _q1_e4, _q2_e1, _q2_e2, _q2_e3, _q2_e4, _q3_e1),
    )
}


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
        return tracked(jobs, len(jobs), id, "run", shown=progress)

    found = EXPERIMENTS[id].run(folder, quick, each)
    return replace(found, seconds=time.perf_counter() - began)


__all__ = ["EXPERIMENTS", "Experiment", "Result", "reproduce"]
