"""Functions on strings."""

from rag.text.counted import counted
from rag.text.lines import LineIndex, line_spans, trimmed
from rag.text.sentences import sentences
from rag.text.stems import ENGLISH, stemming, stems, stems_of_each
from rag.text.words import STOP_WORDS, UNSPACED, words
