"""Settings shared by every test.

Generated and compiled code is kept in the user's cache, or in DYNLENS_CACHE where that is set, so
that a second run of the suite does not compile again.
"""

import os

# Before anything imports matplotlib; inherited by the processes that tests start.
os.environ["MPLBACKEND"] = "Agg"

from hypothesis import settings

# The first example of a property may compile a kernel, which no deadline would forgive.
settings.register_profile("dynlens", deadline=None, print_blob=True)
settings.load_profile("dynlens")
