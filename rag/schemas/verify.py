"""The verdicts on saved citations."""

from __future__ import annotations

from collections.abc import Sequence

from rag.index import Snapshot
from rag.schemas.base import IndexModel, Model
from rag.schemas.citations import CitationModel
from rag.types import Edit, Status, Verdict


class VerdictModel(Model):
    """What became of a citation; `detail` says why.

    `citation` is where the quote is now, if `valid` or `moved`: of `places` places the nearest
    to the old one. If `changed`, `closest` is what is most like the quote near its old place, and
    `diff` leads from the quote to it; null and empty if nothing is like it.
    """

    status: Status
    detail: str
    citation: CitationModel | None
    places: int
    closest: CitationModel | None
    diff: tuple[Edit, ...]


class VerifyResponse(Model):
    """A verdict on each citation, in their order, by the index that is named."""

    results: tuple[VerdictModel, ...]
    index: IndexModel

    @classmethod
    def of(cls, verdicts: Sequence[Verdict], snapshot: Snapshot) -> VerifyResponse:
        """The verdicts by that snapshot."""
        results = tuple(map(VerdictModel.model_validate, verdicts))
        return cls(results=results, index=IndexModel.of(snapshot))
