"""A question becomes an answer with citations."""

from rag.answering.answer import ask
from rag.answering.citations import cite
from rag.answering.confidence import confidence, log_odds, uncalibrated
from rag.answering.profile import Weights, profile_of
from rag.answering.risk import Point, coverage_at, risk_coverage
from rag.answering.search import Query, best_of, encode_query, find_candidates, narrowed
from rag.answering.verify import SavedCitation, Status, Verdict, verify
