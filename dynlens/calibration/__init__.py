"""How far the judge can be trusted: true and false claims made by rule, and what it says of them.

Each kind in `dynlens.calibration.kinds` draws claims that are true, and the same ones with an error
of known size planted in them. What came of them is a table, true against false, and what must not
be in it is counted; ``dynlens calibrate`` writes it to ``docs/calibration.md``.
"""

from dynlens.calibration.drawing import KINDS, Draw, Kind, Stated
from dynlens.calibration.judging import Judged, judge
from dynlens.calibration.running import calibrate
from dynlens.calibration.tally import Tally

__all__ = ["KINDS", "Draw", "Judged", "Kind", "Stated", "Tally", "calibrate", "judge"]
