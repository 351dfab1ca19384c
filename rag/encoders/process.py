"""What torch and its libraries read from the environment of the process as they are imported."""

from __future__ import annotations

import os

from rag.types.user_folder import user_folder


def set_torch_environment() -> None:
    """Sets defaults for the whole process; a program calls it once, before it opens an encoder.

    Values that are set already stay. Without them an encoder gives the same vectors.
    """
    # torch's waiting threads spin, which on busy cores makes it ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A model by name is one that was downloaded before; nothing is looked up or fetched.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # torch makes this folder when it is imported, by default beside the temporary files.
    if caches := user_folder("XDG_CACHE_HOME", ".cache"):
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(caches / "torch"))
