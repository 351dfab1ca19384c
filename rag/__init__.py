"""Document-grounded retrieval: passages cited to the character, offline, on one CPU.

import rag

index = rag.open_index("index")
answer = rag.ask(index, "Which procedure collects the T cells?")
for passage in answer.passages:
    print(passage.citation.quote)
"""

import os
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# ONNX Runtime and huggingface_hub read these when they are loaded, so they are set before any of
# our modules imports them, for scripts too; child processes inherit them. Another value is
# overwritten: what is asked and indexed here is nobody else's business.
os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")

__all__ = [
    "Answer",
    "Citation",
    "CitedPassage",
    "Document",
    "Encoder",
    "Filters",
    "Index",
    "Passage",
    "Quote",
    "RagError",
    "SavedCitation",
    "ScoredPassage",
    "Scores",
    "Section",
    "Span",
    "Verdict",
    "ask",
    "build",
    "open_encoder",
    "open_index",
    "verify",
]

if TYPE_CHECKING:
    from rag.encoders import Encoder, open_encoder
    from rag.serving import Index, ask, build, open_index, verify
    from rag.types import (
        Answer,
        Citation,
        CitedPassage,
        Document,
        Filters,
        Passage,
        Quote,
        SavedCitation,
        ScoredPassage,
        Scores,
        Section,
        Span,
        Verdict,
    )
    from rag.types.errors import RagError
else:

    def __getattr__(name: str) -> object:
        """A public name, imported when it is first used.

        Every process imports this package, also those that parse one file: they need not wait for
        NumPy, FAISS and ONNX Runtime.
        """
        if name not in __all__:
            raise AttributeError(f"module 'rag' has no attribute {name!r}")
        from rag import encoders, serving, types
        from rag.types import errors

        # The serving wing comes first: its functions take an opened index.
        wings = (serving, encoders, errors, types)
        return next(getattr(wing, name) for wing in wings if hasattr(wing, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
