"""The live index and its jobs, without HTTP."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.serving.board import Board, Figure, make_board
    from rag.serving.embedded import Index, ask, build, open_index, verify
    from rag.serving.endpoint import Endpoint, endpoint_of
    from rag.serving.generation import GIVEN, GenerationEvent, generate
    from rag.serving.heap import steady_heap
    from rag.serving.job_table import Failure, Job, JobStatus, JobTable
    from rag.serving.jobs import Jobs
    from rag.serving.keys import (
        SCOPES,
        Key,
        Keys,
        KeyScope,
        add_key,
        keys_beside,
        lasting,
        read_keys,
        revoke_key,
    )
    from rag.serving.live import Live, Serving
    from rag.serving.remembered import Remembered
    from rag.serving.tally import SECONDS, Counted, Tally, tally_bytes
    from rag.serving.upkeep import Upkeep, kept_up, upkeep_of
    from rag.serving.uploads import upload_folder
else:
    show_late(__name__)
