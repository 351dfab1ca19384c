"""A question becomes an answer with citations."""

from rag.answering.answer import ask
from rag.answering.citations import cite
from rag.answering.confidence import confidence, log_odds, uncalibrated
from rag.answering.profile import profile_of
from rag.answering.rerank import rerank
from rag.answering.risk import Point, coverage_at, risk_coverage
from rag.answering.search import encode_query, find_candidates
from rag.answering.verify import SavedCitation, Status, Verdict, verify
