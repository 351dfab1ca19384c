"""Measures of a run, through ir_measures: equal to trec_eval, every judged query counted."""

from __future__ import annotations

import ir_measures
from ir_measures import RR, R, Success, nDCG

from eval.measures.runs import Qrels, Run, relevant, scored
from rag.types.errors import UsageError

MEASURES = (nDCG @ 10, RR @ 10, R @ 5, Success @ 1, Success @ 3, Success @ 5)
NAMES = tuple(str(measure) for measure in MEASURES)
PRIMARY = NAMES[0]
# The deepest cutoff above: no measure looks below this rank.
DEPTH = 10


def per_query(qrels: Qrels, run: Run) -> dict[str, dict[str, float]]:
    """Each measure of each query that has a relevant judgment; 0 if the run has no results.

    Queries of the run that nobody judged are left out, as trec_eval does.
    """
    judged = {query: dict(qrels[query]) for query in sorted(qrels) if relevant(qrels[query])}
    if not judged:
        raise UsageError("no query has a relevant judgment: there is nothing to measure")
    scores = {query: scored(run[query]) for query in judged if run.get(query)}
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in NAMES}
    for metric in ir_measures.iter_calc(MEASURES, judged, scores):
        values[str(metric.measure)][metric.query_id] = float(metric.value)
    return values
