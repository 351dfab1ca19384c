"""The sentence nearest to a question, as the highlights find it, in a pool of passages."""

from __future__ import annotations

from collections.abc import Sequence

from eval.studies.pools import Pool
from rag.answering.late_interaction import late_scores
from rag.encoders.base import Encoder
from rag.index.sentence_spans import sentences_of
from rag.index.token_vectors import quantise, store


def nearest_sentence(pool: Pool, query: str, rows: Sequence[int], encoder: Encoder) -> str:
    """The text of the sentence, of the passages in those rows, nearest to the query of that id.

    Of equally near ones the first; "" where no passage has a sentence with tokens.
    """
    asked = pool.asked.of(list(pool.queries).index(query))
    texts, blocks = [], []
    for row in rows:
        text, tokens = pool.passages[row].text, quantise(pool.stored.of(row))
        for start, end, first, last in sentences_of(
            text, 0, encoder.word_pieces(text), len(tokens)
        ).tolist():
            texts.append(text[start:end])
            blocks.append(tokens[first:last])
    if not texts:
        return ""
    scores = late_scores(asked, store(blocks, asked.shape[1]), range(len(blocks)))
    return texts[int(scores.argmax())]
