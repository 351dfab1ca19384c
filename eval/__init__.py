"""Evaluation: an eval set from the FAQ, measures with intervals, public test sets."""

import os

from rag.types.user_folder import user_folder

# Otherwise matplotlib makes two folders in the user's home for its list of fonts.
if _caches := user_folder("XDG_CACHE_HOME", ".cache"):
    os.environ.setdefault("MPLCONFIGDIR", str(_caches))
