"""The live index and its jobs, without HTTP."""

from rag.serving.allowed_paths import allowed_path
from rag.serving.jobs import Failure, Job, Jobs, JobStatus
from rag.serving.live import Live, Serving
from rag.serving.upkeep import Upkeep, kept_up, upkeep_of
from rag.serving.uploads import are_uploaded

__all__ = [
    "Failure",
    "Job",
    "JobStatus",
    "Jobs",
    "Live",
    "Serving",
    "Upkeep",
    "allowed_path",
    "are_uploaded",
    "kept_up",
    "upkeep_of",
]
