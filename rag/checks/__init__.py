"""Whether an index is sound, what changed, and whether it may go live."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.checks.canaries import Canary, read_canaries
    from rag.checks.diff import diff, faq_questions
    from rag.checks.doctor import examine
    from rag.checks.faq_support import SENTENCES, SUPPORT, drawn_pairs, supports_of
    from rag.checks.gate import GateResult, judge
    from rag.checks.judgments import judgments
else:
    show_late(__name__)
