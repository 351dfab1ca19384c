"""The words of docs/quality.md."""

from __future__ import annotations

INTRODUCTION = """\
# Quality

Written by `python -m eval.quality` from the results files in `eval/results/`; do not edit. Each
file names its command, commit, machine, model and head.

No figure below is of the sample corpus, and no number that ships was fitted to it. What trained the
late-interaction head (20 of squad2's 35 articles, PubMedQA's labelled questions, FAQ pages on
public health) is marked or left out."""
PUBLIC = """\
## Public sets, as served

nDCG@10 by `python -m eval bench`, which calls the search behind `/ask`: documents cut into
passages, a document ranked by its best. "Against the best" is as served minus the best of the four
columns before it, chosen after the fact."""
HEAD = """\
## The late-interaction head

A linear map of the model's token vectors, 384 to 384, half-way from principal components to what
some four minutes of training on one core make of them (`python -m eval.train_head`; its card is
`rag/models/all-MiniLM-L6-v2.late.md`), and turned so that all components are alike. Then two bits a
component do (`rag/tokens.py`): 96 bytes a token, where a trained map to 128 dimensions in eight
bits takes 128 and ranks worse. Training moves ranks little; bits and dimensions decide."""
SCORINGS = """\
The score itself, of the shipped head's vectors: soft maxima (log-sum-exp) in place of the maximum,
the best window of a passage, windows overlapping by half, in place of all of it, query tokens
weighed or left out, passages' tokens left out, and one more token on both sides: the model's [CLS],
or the pooled vector. Alone:"""
FUSION = """\
## Fusion

What ships is a sum over the candidates, {candidates} by dense and {candidates} by BM25 and, where
these are fewer than {fewest}, the next by dense. Weights: {weights}.
The cosines, dense and heading, count as they are; BM25 and late interaction are stretched onto
[0, 1] (min-max). "Heading" is the cosine of the question with the question that a passage stands
under, and the passage's own where it stands under none. nDCG@10 over eight tasks that trained no
vectors, at most 300 questions each (`eval/suite.py`). The weights were chosen on these same tasks;
"chosen without it" is what each task would have got from weights chosen on the others alone. Among
weights that tie on the mean, those were taken that do best where a single document is the corpus,
and the training half of the sample corpus's written questions was looked at too; its test half
chose nothing. In rows of another scale, the weights are of dense, BM25, late and heading:"""
CONFIDENCE = """\
## Confidence

    {formula}

`late` is the best late-interaction score among the first three hits, `lead` by how much the first
hit's exceeds the median of all candidates', `words` log(1 + the same of BM25), `unmet` 1 where the
question asks for a quantity and the nearest sentence of these hits names none (`rag/quantity.py`).
Fitted so that it is the probability that the first five passages hold the answer. Questions without
an answer: squad2's own, made to look answerable; elsewhere each question once more with its
answering passages taken out, so that its nearest neighbours remain; and, of squad2's articles taken
alone, questions of other articles. Public collections on one subject are the hard end: where the
passage that answers is gone, the next one is often as near. Each set's row is from a fit that left
it out; the score articles were seen by no fit."""
REFITTED = """\
A build fits shift and scale of the log odds to the documents' own FAQ (`rag/calibrate.py`): each of
its questions with the passages that support its answer, and without. As if so many questions of a
set were its FAQ, the rest of the set then has, on average over sets and draws:"""
RISKS = """\
Below the threshold for the wanted share of wrong answers among those given (`RAG_RISK`) the service
abstains; both are in the manifest. From 20 questions of an FAQ on the threshold is read off its own
cases. Else it is that of the articles taken alone, half of whose questions are taken to have an
answer, by fits that had not seen them; a risk that is missing cannot be kept at any threshold:"""
HIGHLIGHTS = """\
## Highlights

The sentence whose tokens meet the question's best is marked, and a second one where it comes within
.02. Measured on squad2's answerable questions whose paragraph is ranked first: whether what is
marked holds an answer word for word."""
PASSAGES = """\
## Passages

How documents are cut, what is read with a passage and how passages are shown
(`python -m eval.score_passages`): nDCG@10 on the tasks above, fused as served, except that of
scifact {documents:,} documents count: those that answer a question, and others drawn. That makes it
easier than above. What gains .005 or more on average over what is served and loses no more than
that on any task: {better}."""
LENGTHS = """\
**Length.** As served, a passage and its context fill the model's window. Shorter passages, cut by
the same rules:"""
SIGNALS = """\
Passages in all, their median words, and nDCG@10 of each signal, means over the tasks; how often
squad2's passage ranked first holds the answer word for word, and its median words:"""
CONTEXTS = """\
**Context.** Title and headings, read before the text by the model and by BM25, and taken away from
one signal at a time. Where a collection has no titles the document's id stands in. Fused, then each
signal alone:"""
FAQ_CONTEXTS = """\
Public collections have titles and no headings. Of the FAQ pages, which trained the head (so that
their late interaction is no evidence), each answer is read after title and headings, the question
left out:"""
SENTENCES = """\
**Sentence vectors.** The mean of a sentence's token vectors as they leave the model; the cosine of
a passage's best sentence, stretched, as one more signal beside the others, or in place of dense:"""
KIN = """\
**Kin.** To a passage's fused score a share is added of the best, or of the mean, of the other
candidates of its document, or under its title (squad2's article, a thread of stackfaq); what has no
other counts as its own. Means over the tasks, by length of passages:"""
REPEATS = """\
**Repeats.** Texts that are the same but for blanks:
{counts}.
Share of questions with a repeat among the first five, how many sections these show, and nDCG@10, as
served and with each text once:"""
CAPS = """\
**Cap.** At most so many passages of one article or document among the first five; the passages
beyond follow. Hit@5 is the share of questions with a relevant document among the five, answer@5
with the answer word for word. Of documents, means over the tasks:"""
LOST = """\
## What lost

Means over the tasks or sets above, each with what ships. Fused figures within .003 of
each other cannot be told apart on these tasks. Confidence is for a user's own documents, which
squad2's articles taken alone are nearest to, and there the cosine harms."""
