"""The live index and its jobs, without HTTP."""

from rag.serving.embedded import Index, ask, build, open_index, verify
from rag.serving.jobs import Failure, Job, Jobs, JobStatus
from rag.serving.live import Live, Serving
from rag.serving.upkeep import Upkeep, kept_up, upkeep_of
