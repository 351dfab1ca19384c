"""A question becomes an answer with citations."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.answering.answer import ask
    from rag.answering.citations import cite, cite_span
    from rag.answering.confidence import confidence, log_odds, uncalibrated
    from rag.answering.document_filters import unmatched
    from rag.answering.profile import profile_of
    from rag.answering.rerank import rerank
    from rag.answering.search import Candidates, encode_query, find_candidates
    from rag.answering.support import support
    from rag.answering.verify import verify
else:
    show_late(__name__)
