"""Functions on strings."""

from rag.text.counted import counted
from rag.text.edits import Edit, edits, most_alike
from rag.text.line_kinds import are_records, is_boilerplate, is_question
from rag.text.lines import LineIndex, line_ends, line_spans, trimmed
from rag.text.sentences import sentences
from rag.text.stems import ENGLISH, matched, stemming, stems, stems_of_each, stems_of_words
from rag.text.words import STOP_WORDS, words
