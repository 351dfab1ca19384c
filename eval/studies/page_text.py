"""The words of docs/quality.md."""

from __future__ import annotations

INTRODUCTION = """\
# Quality

What is served, how good it is, compared with what, and what was tried.
`python -m eval.studies.page` writes this page from the results files in `eval/results/`; do not
edit it. Each file names its command, commit, machine, model and head. No figure below is of the
sample corpus, and no number that ships was fitted to it. The sets that trained the
late-interaction head (20 of squad2's 35 articles, PubMedQA's labelled questions, FAQ pages on
public health) are marked or left out."""
PUBLIC = """\
## Public sets

nDCG@10 by `python -m eval bench`, which calls the search behind `/ask`: documents cut into
passages, a document ranked by its best passage. "Against the best" is as served minus the best
of the four columns before it, chosen after the fact."""
FUSION = """\
## Ranking

Candidates are the best {candidates} by dense and by BM25 and, if these are fewer than {fewest}, the
next by dense. The score is a weighted sum: {weights}.
BM25 and late interaction are stretched onto [0, 1] over the candidates (min-max). "Heading" is the
cosine with the question above a passage, not stretched, and with the passage if there is none
([decision 7](decisions/0007-signals.md)). The weights were chosen on the tasks of
`eval/studies/tasks.py`, none of which trained the head, at most 300 questions each; "chosen
without it" is the figure with weights chosen on the other tasks. The gain is over the min-max sum
of dense and BM25. nDCG@10 with 95 % intervals over questions:"""
CONFIDENCE = """\
## Confidence

    {formula}

`late` is the best late-interaction score among the first three hits. `lead` is how far the first
hit's exceeds the median of all candidates, and `words` is log(1 + the same of BM25). `unmet` is
1 if the question asks for a quantity and the nearest sentence of these hits names none
(`rag/answering/quantity.py`). The confidence is fitted to be the probability that the first five
passages hold the answer. Unanswerable questions are squad2's own, which were made to look
answerable; in the other sets, each question again without the passages that answer it; and, for
squad2's articles taken alone, questions of other articles. Each row is of a fit without
that set:"""
RISKS = """\
A build fits shift and scale of the log odds to the documents' own FAQ
(`rag/building/calibrate.py`). Below the threshold for the chosen share of wrong answers
(`RAG_RISK`) the service abstains. For the articles taken alone, weighted as if half of their
questions had an answer:"""
HIGHLIGHTS = """\
## Highlights

The sentence whose tokens match the question's best is marked, and a second one within .02 of it; a
token may also be found in the sentence before, at a cost. Of
{questions} answerable squad2 questions whose paragraph is ranked first, what is marked holds an
answer word for word in a share of **{mean}** ({low} to {high}). That is {sentences:.2f} sentences,
{median_characters:g} of the passage's {median_passage_characters:g} characters at the median."""
TRIED = """\
## What was tried

Means over the tasks or sets above, each beside what ships. Three weights in a row are of BM25,
late interaction and heading. On these tasks, fused figures within .003 of each other cannot be
distinguished. Decisions [2](decisions/0002-bm25.md), [7](decisions/0007-signals.md) and
[8](decisions/0008-passages.md) have what was tried once: stop words, token vectors, passages."""
