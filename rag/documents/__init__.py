"""Files become documents, sections and passages."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.documents.boxes import boxes_of
    from rag.documents.cores import processors
    from rag.documents.corpus import LENIENT, Corpus, Known, ReadOptions, read_corpus
    from rag.documents.files import why_not_read
    from rag.documents.formats import SUFFIXES
    from rag.documents.json_lines import json_lines
    from rag.documents.markable import markable
    from rag.documents.page_image import MAX_WIDTH, page_image
    from rag.documents.passages import passages_of
    from rag.documents.questions import faq_pairs, question_above
    from rag.documents.report import report_json, report_lines
    from rag.documents.sandbox import Cage
    from rag.documents.sections import sections_of
    from rag.documents.stamps import read_stamps, write_stamps
else:
    show_late(__name__)
