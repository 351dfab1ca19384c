"""What a build reads, and whether it may replace the index that is there."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.store import Sources, live_version, snapshot_ids
from rag.types import FaqPolicy
from rag.types.errors import CorpusError, NotReplaced

# Asked before an index of one thing is replaced by an index of another.
Consent = Callable[[str], bool]


# The file that marks a folder of uploaded documents, which are gone after the build.
UPLOAD_MARKER = ".rag-upload"


def deny(question: str) -> bool:
    """No consent."""
    return False


@dataclass(frozen=True, slots=True)
class Origin:
    """The paths that a build reads, and its FAQ policy.

    `assumed`: they are the default, neither named nor what the index was built from. `uploaded`:
    they exist only while the build runs.
    """

    paths: tuple[Path, ...]
    faq: FaqPolicy
    assumed: bool = False
    uploaded: bool = False

    @property
    def sources(self) -> Sources:
        """The same, as the index records it."""
        return Sources((), self.faq) if self.uploaded else Sources.of(self.paths, self.faq)

    @property
    def recorded(self) -> Sources | None:
        """The sources if VERSIONS can hold them, or None."""
        return self.sources if self.sources.can_be_kept else None


def origin_of(index: Path, named: Sequence[Path], corpus: Path, no_faq: bool) -> Origin:
    """What is named; else what the index was built from; else the corpus.

    Raises CorpusError if the documents of the index cannot be read again.
    """
    faq: FaqPolicy = "without" if no_faq else "with"
    if named:
        uploaded = any((path / UPLOAD_MARKER).is_file() for path in named)
        return Origin(tuple(named), faq, uploaded=uploaded)
    was = remembered(index)
    if was is None:
        return Origin((corpus,), faq, assumed=True)
    advice = "name the documents: `rag build PATH --replace`"
    if not was.paths:
        raise CorpusError(f"{index} was built from {was}, which are not kept: {advice}")
    if was.gone:
        verb = "is" if len(was.gone) == 1 else "are"
        raise CorpusError(
            f"{index} was built from {', '.join(was.gone)}, which {verb} gone: {advice}"
        )
    return Origin(tuple(map(Path, was.paths)), "without" if no_faq else was.faq)


def sample_corpus() -> Path:
    """The documents that come with the program, in a checkout or as installed.

    Raises CorpusError if they were removed.
    """
    places = (
        Path(__file__).parents[2] / "corpus",
        Path(sysconfig.get_path("data")) / "share" / "rag" / "corpus",
    )
    for place in places:
        if any(place.glob("*.md")):
            return place
    raise CorpusError(f"the sample documents are not in {' or '.join(map(str, places))}")


def remembered(index: Path) -> Sources | None:
    """What the live snapshot was built from; None if there is none, or it is not recorded."""
    version = live_version(index)
    return version.sources if version else None


def is_replaced(index: Path, origin: Origin) -> bool:
    """Whether the build needs no consent, whatever the documents hold."""
    version = live_version(index)
    was = version.sources if version else None
    if not snapshot_ids(index):
        return True
    # An index whose record is lost may be of anything: version is None.
    if was:
        return bool(was.paths) and was.names_same_as(origin.sources)
    return version is not None and not origin.assumed


def check_replaces(
    index: Path, origin: Origin, corpus_sha256: str, consent: Consent = deny
) -> None:
    """None if the build has the same documents or sources, or the user consents.

    Raises NotReplaced. An index whose record names no sources may be replaced by paths that are
    named; one whose record is lost may not.
    """
    version, new = live_version(index), origin.sources
    was = version.sources if version else None
    if is_replaced(index, origin) or (version and version.corpus_sha256 == corpus_sha256):
        return
    held = f"{index} was built from {was}" if was else f"{index} holds other documents"
    if not consent(f"{held}; replace it by {new}?"):
        raise NotReplaced(
            f"{held}, not {'from ' if was else 'those of '}{new}: nothing was changed; "
            "add --replace to replace them, or choose another folder by --index"
        )
