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

`coverage`, `lead` and the terms that are missing are in `rag/answering/confidence.py`; the best of
the first three passages counts. Half of the weight of a set is on answerable questions, half on the
others, each kind alike. These are questions of other fields (foreign); the set's own without the
passages that answer them, or of another passage or page on the subject (near); squad2's own, made
to look answerable (adversarial); and answerable ones with a number or name replaced (changed). Each
row is of a fit without that set and those of its source; the "score" articles are in no fit. "Late"
and "cosine" are the AUROC of these scores alone, the last columns that of the confidence by kind.
"Error" is the calibration error in 15 bins if half of the questions have an answer. Collections
first, then single documents (`alone`):"""
RISKS = """\
Below the threshold for the chosen share of wrong answers (`RAG_RISK`) the service abstains. If half
of the questions have an answer, the sources counting equally:"""
REFITTED = """\
A build fits shift and scale of the log odds to the documents' own FAQ
(`rag/building/calibrate.py`). Calibration error on the rest of a set after a fit to so many of its
questions, asked with and without the passages that answer, by the prior's standard deviations:"""
HIGHLIGHTS = """\
## Highlights

The sentence that holds most of the question, as the confidence counts it, is marked, and a second
one within .02 of it. Of
{questions} answerable squad2 questions whose paragraph is ranked first, what is marked holds an
answer word for word in a share of **{mean}** ({low} to {high}). That is {sentences:.2f} sentences,
{median_characters:g} of the passage's {median_passage_characters:g} characters at the median."""
SUPPORT = """\
## Support

What a language model writes is compared with the passages that it cites. These statements are made
of squad2's questions, with the answer in place of what is asked. The table has the share that is
taken for supported, by thresholds chosen on other articles; the first two kinds are true. What
ships is "{shipped}"."""
TRIED = """\
## What was tried

Means over the tasks or sets above, each beside what ships. Three weights in a row are of BM25,
late interaction and heading. On these tasks, fused figures within .003 of each other cannot be
distinguished. Decisions [2](decisions/0002-bm25.md), [7](decisions/0007-signals.md) and
[8](decisions/0008-passages.md) have what was tried once: stop words, token vectors, passages."""
