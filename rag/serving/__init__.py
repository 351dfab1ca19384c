"""The live index and its jobs, without HTTP."""

from rag.serving.allowed_paths import allowed_path, roots_of
from rag.serving.embedded import Index, ask, build, open_index, verify
from rag.serving.jobs import Command, Job, Jobs, JobStatus, build_command
from rag.serving.live import Follower, Library, Serving
from rag.serving.uploads import are_uploaded, sweep_uploads

__all__ = [
    "Command",
    "Follower",
    "Index",
    "Job",
    "JobStatus",
    "Jobs",
    "Library",
    "Serving",
    "allowed_path",
    "are_uploaded",
    "ask",
    "build",
    "build_command",
    "open_index",
    "roots_of",
    "sweep_uploads",
    "verify",
]
