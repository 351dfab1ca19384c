"""Evaluation: an eval set from the FAQ, measures with intervals, public test sets."""

import os
from pathlib import Path

# Otherwise matplotlib makes two folders in the user's home for its list of fonts.
_CACHES = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
os.environ.setdefault("MPLCONFIGDIR", str(Path(_CACHES) / "rag"))
