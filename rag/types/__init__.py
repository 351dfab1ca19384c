"""The nouns of the system: frozen, plain, and the same words in code, JSON and docs."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.types.answers import (
        ANSWERABLE,
        DEFAULT_CAUTION,
        MAX_RISK,
        MAX_TOP_K,
        NEAREST,
        NO_FILTERS,
        Answer,
        Caution,
        Citation,
        CitedPassage,
        Contribution,
        Explanation,
        Filters,
        Finding,
        Mode,
        Quote,
        ScoredPassage,
        Scores,
        Span,
        Stages,
    )
    from rag.types.documents import (
        Block,
        BlockKind,
        Box,
        Document,
        FaqPair,
        FaqPolicy,
        Hidden,
        HiddenKind,
        PageBoxes,
        PageWords,
        ParsedDocument,
        Passage,
        Place,
        PlaceKind,
        Section,
        SectionKind,
        Table,
    )
    from rag.types.feedback import Feedback, Judged, Opinion
    from rag.types.generation import (
        Ending,
        GeneratedSentence,
        GenerationEnd,
        Support,
        Unsupported,
    )
    from rag.types.reports import (
        FileReport,
        LeftOut,
        Progress,
        Remark,
        Reused,
        silent,
    )
    from rag.types.verdicts import Edit, SavedCitation, Status, Verdict
else:
    show_late(__name__)
