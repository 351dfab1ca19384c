"""The live index and its jobs, without HTTP."""

from rag.serving.allowed_paths import allowed_path, roots_of
from rag.serving.jobs import Command, Job, Jobs, JobStatus, build_command
from rag.serving.live import Follower, Library, Serving
from rag.serving.uploads import are_uploaded, sweep_uploads

__all__ = [
    "Command",
    "Follower",
    "Job",
    "JobStatus",
    "Jobs",
    "Library",
    "Serving",
    "allowed_path",
    "are_uploaded",
    "build_command",
    "roots_of",
    "sweep_uploads",
]
