"""A sweep needs one process at least."""

import pytest

from dynlens.support.sweep import Sweep


@pytest.mark.parametrize("processes", [0, -1])
def test_no_processes_are_refused(processes, tmp_path):
    sweep = Sweep(divmod, {"x": [1, 2]})
    with pytest.raises(ValueError, match="`processes` must be at least 1"):
        sweep.run(tmp_path, processes=processes)
