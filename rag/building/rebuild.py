"""Builds an index from its documents again, publishes it, and watches for changes."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from watchfiles import DefaultFilter, watch

from rag.building.ahead import Ahead
from rag.building.build import indexed
from rag.building.journal import Journal, journal_at
from rag.building.listener import NOBODY, Listener
from rag.building.origin import Consent, Origin, check_replaces, deny, is_replaced
from rag.building.reuse import reuse_of
from rag.checks import Canary, GateResult, judge, read_canaries
from rag.documents import (
    LENIENT,
    Corpus,
    ReadOptions,
    read_corpus,
    read_stamps,
    report_json,
    write_stamps,
)
from rag.encoders import Encoder
from rag.index import Manifest, Snapshot, is_made_with
from rag.store import (
    JOURNAL,
    STAMPS,
    Remarks,
    live_id,
    open_newest,
    publish,
    read_feedback,
    waiting_child,
    writing,
)
from rag.types import DEFAULT_CAUTION, Caution, FaqPolicy, Feedback, FileReport, Reused
from rag.types.errors import BusyError, GateRefused, NoIndex, RagError, UnusableIndex, UsageError
from rag.types.settings import Settings

# Seconds before a watched folder is built again if another build held the lock.
PAUSE = 2.0
# So many files are named that took longest to parse.
SLOWEST = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """What a new snapshot must pass; `force` publishes it even so, and that is recorded."""

    canaries: tuple[Canary, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """A published snapshot, what it reused of the one before (None without one), what the gate
    found (None if it was not asked), the reports of the files, and the seconds that each took to
    parse."""

    manifest: Manifest
    reused: Reused | None
    gate: GateResult | None = None
    files: tuple[FileReport, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether a file or a part of one could not be read."""
        return any(file.has_loss for file in self.files)

    @property
    def slowest(self) -> list[tuple[str, float]]:
        """The files that took longest to parse, and the seconds."""
        return heapq.nlargest(SLOWEST, self.seconds.items(), key=lambda each: each[1])

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "id": self.manifest.id,
            "counts": asdict(self.manifest.counts),
            "reused": asdict(self.reused) if self.reused else None,
            "gate": self.gate.to_json() if self.gate else None,
            "report": report_json(self.files),
            "slowest": [{"id": id, "seconds": round(took, 2)} for id, took in self.slowest],
        }


# Builds an index if it is stale.
Attempt = Callable[[], Built | None]


def gate_of(settings: Settings, force: bool = False) -> Gate | None:
    """The gate, if the settings ask for one or `force` overrules it. Raises UsageError."""
    if not settings.gate and not force:
        return None
    return Gate(read_canaries(settings.canaries) if settings.canaries else (), force)


def rebuild(
    index: Path,
    origin: Origin,
    encoder: Encoder,
    *,
    options: ReadOptions = LENIENT,
    if_stale: bool = False,
    full: bool = False,
    gate: Gate | None = None,
    caution: Caution = DEFAULT_CAUTION,
    use_feedback: bool = True,
    listener: Listener = NOBODY,
    consent: Consent = deny,
) -> Built | None:
    """What was built and published; None if the index is up to date (`if_stale`).

    `use_feedback` fits the confidence to the feedback in the index folder; more of it does not make
    an index stale. `consent` is asked before an index of other documents is replaced. Raises
    RagError, after which the index is unchanged.
    """
    before, is_whole = (None, True) if full and not gate else _previous(index, encoder, listener)
    previous = None if full else before
    if previous and previous.manifest.model.passages_by != encoder.passages_by:
        listener.note(_encoded_again(previous.manifest.model.passages_by, encoder.passages_by))
    reuse = reuse_of(previous, encoder, origin.faq)
    known = replace(reuse.known, stamps=read_stamps(index / STAMPS))
    with ExitStack() as held:
        opened = cache(partial(_opened, held, index, encoder))
        with Ahead(encoder, origin.faq, opened) as ahead:
            # A build that reuses something encodes little.
            if previous is None and is_replaced(index, origin):
                options = replace(options, taken=ahead.take)
            corpus = read_corpus(origin.paths, known, options)
        listener.files(corpus.files)
        if if_stale and is_whole and not is_stale(previous, corpus, encoder, origin.faq, caution):
            return None
        check_replaces(index, origin, corpus.sha256, consent)
        journal, verify = opened(), held.enter_context(waiting_child())
        feedback = _feedback(index, listener) if use_feedback else ()
        parts = (origin.faq, reuse, caution, listener.progress, ahead.cuts, feedback)
        made = indexed(corpus, encoder, journal, *parts)
        snapshot = made.snapshot
        if previous:
            # What was reused has been read from its mapped files only now.
            previous.check()
        outcome = _judged(index, before, snapshot, encoder, gate)
        publish(index, snapshot, encoder, verify=verify, remarks=_remarks(outcome, origin))
        write_stamps(index / STAMPS, corpus.stamps)
    taken = made.reused if previous else None
    return Built(snapshot.manifest, taken, outcome, tuple(snapshot.files), corpus.seconds)


def _encoded_again(was: str, now: str) -> str:
    """Says why a build encodes all passages."""
    as_questions = "the encoder of questions"
    return (
        f"all passages are encoded again: before by {was or as_questions}, now by "
        f"{now or as_questions}; RAG_DEVICE decides"
    )


def _opened(held: ExitStack, index: Path, encoder: Encoder) -> Journal:
    """Takes the lock of the index, and opens the journal of its build."""
    held.enter_context(writing(index))
    return held.enter_context(journal_at(index / JOURNAL, encoder))


def is_stale(
    current: Snapshot | None,
    corpus: Corpus,
    encoder: Encoder,
    faq: FaqPolicy,
    caution: Caution = DEFAULT_CAUTION,
) -> bool:
    """Whether there is no index, or one that a build of this corpus would make otherwise."""
    documents = {parsed.document.id: parsed.document for parsed in corpus.documents}
    return (
        current is None
        or documents != current.documents
        or _verdicts(corpus.files) != _verdicts(current.files)
        or not is_made_with(current, encoder, faq, caution)
    )


def _verdicts(files: Sequence[FileReport]) -> list[tuple[object, ...]]:
    return [(file.id, file.sha256, file.remarks) for file in files]


def changes(paths: Sequence[Path]) -> Iterator[object]:
    """An event when watching has begun, and one at each change of the files.

    Folders of programs (`node_modules`) may hold documents too; hidden ones are never read.
    """
    ignored = [name for name in DefaultFilter.ignore_dirs if name.startswith(".")]
    wanted = DefaultFilter(ignore_dirs=ignored)
    begun = False
    for found in watch(*paths, watch_filter=wanted, yield_on_timeout=True, rust_timeout=500):
        if found or not begun:
            yield found
        begun = True


def rebuilds(
    build: Attempt,
    occasions: Iterable[object],
    listener: Listener = NOBODY,
    pause: float = PAUSE,
) -> Iterator[Built]:
    """What was built on each occasion that made a difference; the listener hears of failures.

    While another build runs, it is tried again after each `pause`, in seconds.
    """
    for _ in occasions:
        try:
            built = _build_when_idle(build, listener, pause)
        except RagError as error:
            listener.note(f"not rebuilt: {error}")
        else:
            if built:
                yield built


def _build_when_idle(build: Attempt, listener: Listener, pause: float) -> Built | None:
    said = False
    while True:
        try:
            return build()
        except BusyError as error:
            if not said:
                listener.note(f"not yet rebuilt: {error}")
            said = True
            time.sleep(pause)


def _judged(
    index: Path, before: Snapshot | None, snapshot: Snapshot, encoder: Encoder, gate: Gate | None
) -> GateResult | None:
    """What the gate finds; None without a gate or without a change. Raises GateRefused."""
    if gate is None or (before and before.id == snapshot.id):
        return None
    outcome = judge(before, snapshot, encoder, gate.canaries)
    if not outcome.passed and not gate.force:
        kept = f"{before.id} stays live" if before else "nothing is published"
        raise GateRefused(
            f"the gate refuses the new snapshot, {kept}: {'; '.join(outcome.reasons)}. To publish "
            'it anyway, run `rag build --force`, or over HTTP send "force": true'
        )
    if before is None and live_id(index):
        return replace(outcome, notes=(*outcome.notes, "the snapshot before cannot be asked"))
    return outcome


def _remarks(outcome: GateResult | None, origin: Origin) -> Remarks:
    if outcome is None:
        return Remarks(sources=origin.recorded)
    return Remarks(outcome.figures, not outcome.passed, outcome.remark, origin.recorded)


def _feedback(index: Path, listener: Listener) -> Sequence[Feedback]:
    """The feedback on the index; damage never stops a build."""
    try:
        return read_feedback(index)
    except UsageError as error:
        listener.note(f"feedback is not used: {error}")
        return ()


def _previous(index: Path, encoder: Encoder, listener: Listener) -> tuple[Snapshot | None, bool]:
    """The live snapshot, and whether the index is sound; damage never stops a build."""
    try:
        opened = open_newest(index, encoder)
    except NoIndex:
        return None, True
    except UnusableIndex as error:
        listener.note(f"nothing is reused: {error}")
        return None, False
    for refusal in opened.refused:
        listener.note(f"not reused: {refusal}")
    return opened.snapshot, not opened.refused
