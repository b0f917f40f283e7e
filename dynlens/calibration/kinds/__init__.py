"""The kinds of claims that the judge is calibrated with, a family in each file."""

from dynlens.calibration.kinds import (
    algebra,
    chance,
    descents,
    measured,
    paths,
    rates,
    statics,
    systems,
)

__all__ = ["algebra", "chance", "descents", "measured", "paths", "rates", "statics", "systems"]
