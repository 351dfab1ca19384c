"""A question becomes an answer with citations."""

from rag.answering.answer import ask, cite
from rag.answering.confidence import confidence, features, log_odds, uncalibrated
from rag.answering.fusion import SCALES, WEIGHTS, Scales, Weights, fuse, min_max, order
from rag.answering.search import (
    FEWEST,
    Candidates,
    Query,
    best_of,
    encode_query,
    find_candidates,
    narrowed,
    search,
    together,
)
from rag.answering.verify import SavedCitation, Status, Verdict, verify, verify_all

__all__ = [
    "FEWEST",
    "SCALES",
    "WEIGHTS",
    "Candidates",
    "Query",
    "SavedCitation",
    "Scales",
    "Status",
    "Verdict",
    "Weights",
    "ask",
    "best_of",
    "cite",
    "confidence",
    "encode_query",
    "features",
    "find_candidates",
    "fuse",
    "log_odds",
    "min_max",
    "narrowed",
    "order",
    "search",
    "together",
    "uncalibrated",
    "verify",
    "verify_all",
]
