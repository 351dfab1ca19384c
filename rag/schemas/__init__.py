"""The JSON of the command line and of HTTP."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.schemas.ask import AskRequest, AskResponse, answer_json, ask_example, timed
    from rag.schemas.base import Fields, Request
    from rag.schemas.citations import page_url
    from rag.schemas.documents import DocumentResponse, DocumentsResponse, PassageResponse
    from rag.schemas.evaluation import EvaluationResponse
    from rag.schemas.feedback import (
        FeedbackListResponse,
        FeedbackRequest,
        FeedbackResponse,
    )
    from rag.schemas.health import HealthResponse, ProblemModel, ReadyResponse
    from rag.schemas.index import (
        JobResponse,
        RebuildRequest,
        ReportResponse,
        RollbackRequest,
        RollbackResponse,
        StartedResponse,
        VersionsResponse,
    )
    from rag.schemas.rerank import RerankRequest, RerankResponse
    from rag.schemas.retrieval import RetrievalRequest, RetrievalResponse
    from rag.schemas.saved_citations import SavedCitationModel, VerifyRequest, read_saved
    from rag.schemas.session import SessionRequest, SessionResponse
    from rag.schemas.tools import (
        AskTool,
        FetchedText,
        FetchTool,
        ListTool,
        SearchResults,
        SearchTool,
    )
    from rag.schemas.vector_store import VectorStoreSearchRequest, VectorStoreSearchResponse
    from rag.schemas.verify import VerdictModel, VerifyResponse
else:
    show_late(__name__)
