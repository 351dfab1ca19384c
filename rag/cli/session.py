"""`rag ask` without a question: questions and commands, line by line, at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console

from rag.answering import ask, verify
from rag.building import remembered
from rag.cli.answers import answer_as_json, file_links, show_answer, show_text
from rag.cli.console import say
from rag.cli.filters import checked, described, refined
from rag.cli.generate import Generated, check_complete, show_generated
from rag.cli.terminal import on_one_line, verdict_line
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.serving import Endpoint
from rag.store import current_id, open_current
from rag.text import counted, line_spans
from rag.types import (
    NO_FILTERS,
    Answer,
    Citation,
    CitedPassage,
    Filters,
    Mode,
    SavedCitation,
)
from rag.types.errors import RagError, UsageError
from rag.types.user_folder import user_folder

PROMPT = "> "
EXAMPLES = 3
UNFOLD = "(:source N shows passage N)"
HISTORY_LINES = 1000
# Lines of the document above and below a passage that `:source` shows, and how many characters.
AROUND, AT_MOST = 5, 1000
HELP = """\
Write a question to ask the documents.
:source 2   passage 2 in its surroundings, checked against the documents as they are now
:json       the last answer as JSON
:filter folder guides   search only there; also document, section, type, since, until
:filter     search all documents again
:help       this list
Ctrl-D leaves; the arrow keys bring back earlier questions."""


@dataclass(slots=True)
class Session:
    """Questions to one index. It follows the index: a new snapshot answers the next question."""

    index: Path
    encoder: Encoder
    snapshot: Snapshot
    console: Console
    top_k: int
    mode: Mode
    filters: Filters = NO_FILTERS
    # What is to write an answer from the passages of each.
    endpoint: Endpoint | None = None
    # The last answer, the snapshot that it is from, and what was written from it.
    answered: tuple[Answer, Snapshot, Generated | None] | None = None

    def welcome(self) -> None:
        """Says what can be asked."""
        counts = self.snapshot.manifest.counts
        say(f"{counted(counts.documents, 'document')}. :help lists commands, Ctrl-D leaves.")
        pairs = islice(self.snapshot.sections.faq_pairs(), EXAMPLES)
        for pair in pairs:
            say(f"  for example: {on_one_line(pair.heading_path[-1])}")
        if self.filters != NO_FILTERS:
            self._tell_filters()

    def read(self, line: str) -> None:
        """Does what a line says. Raises RagError."""
        command, _, argument = " ".join(line.split()).partition(" ")
        match command:
            case "":
                return
            case ":help":
                say(HELP)
            case ":json":
                answer, snapshot, written = self._last()
                print(answer_as_json(answer, snapshot, 0, written))
            case ":filter":
                self._filter(argument)
            case ":source":
                self._show_source(argument)
            case _ if command.startswith(":"):
                raise UsageError(f"{command} is no command: :help lists them")
            case _:
                self._ask(f"{command} {argument}".strip())

    def _ask(self, question: str) -> None:
        self._follow()
        snapshot, encoder = self.snapshot, self.encoder
        answer = ask(
            snapshot, encoder, question, top_k=self.top_k, mode=self.mode, filters=self.filters
        )
        self.answered = answer, snapshot, None
        links = file_links(remembered(self.index))
        show_answer(answer, self.console, links, unfold=UNFOLD)
        written = show_generated(self.endpoint, answer, snapshot, encoder, self.console)
        self.answered = answer, snapshot, written
        check_complete(written)

    def _filter(self, argument: str) -> None:
        name, _, value = argument.partition(" ")
        self._follow()
        filters = refined(self.filters, name, value) if name else NO_FILTERS
        self.filters = checked(self.snapshot, filters)
        self._tell_filters()

    def _tell_filters(self) -> None:
        only = described(self.filters)
        say(f"searched now: {on_one_line(only) or 'all documents'}")

    def _show_source(self, argument: str) -> None:
        cited = self._passage(argument)
        self._follow()
        citation = cited.citation
        saved = SavedCitation.of(citation)
        verdict = verify(self.snapshot, [saved])[0]
        say(verdict_line(saved, verdict))
        if verdict.status == "valid":
            start, text = self._around(citation)
            show_text(text, cited, start, self.console)

    def _around(self, citation: Citation) -> tuple[int, str]:
        """Where the surroundings of a valid citation begin in its document, and their text."""
        text = self.snapshot.documents[citation.document_id].text
        lines = line_spans(text)
        first = lines[max(0, citation.line_start - 1 - AROUND)][0]
        last = lines[min(len(lines), citation.line_end + AROUND) - 1][1]
        start = max(first, citation.char_start - AT_MOST)
        return start, text[start : min(last, citation.char_end + AT_MOST)]

    def _passage(self, argument: str) -> CitedPassage:
        passages = self._last()[0].passages
        found = [cited for cited in passages if str(cited.rank) == (argument or "1")]
        if not found:
            raise UsageError(f"there is no passage {argument}: choose 1 to {len(passages)}")
        return found[0]

    def _last(self) -> tuple[Answer, Snapshot, Generated | None]:
        if self.answered is None:
            raise UsageError("there is no answer yet: ask a question first")
        return self.answered

    def _follow(self) -> None:
        """Opens the live snapshot, if another one has been published."""
        if current_id(self.index) != self.snapshot.id:
            self.snapshot = open_current(self.index, self.encoder)


def converse(session: Session, lines: Iterator[str]) -> None:
    """Does what each line says. An error that the user can fix is told, and the next line read."""
    for line in lines:
        try:
            session.read(line)
        except RagError as error:
            say(f"error: {error}")
        except KeyboardInterrupt:
            say("interrupted")


def history_file() -> Path | None:
    """Where the questions are kept: in the user's folder for the state of programs.

    If there is none, a message says so.
    """
    folder = user_folder("XDG_STATE_HOME", ".local/state")
    if folder is None:
        say("questions are not kept: you have no home to write in; RAG_HISTORY=false keeps none")
        return None
    return folder / "history"


def typed_lines(history: Path | None, read: Callable[[str], str] = input) -> Iterator[str]:
    """The lines that `read` gets at the terminal, up to Ctrl-D. Ctrl-C drops the line.

    They are kept in the file `history`, readable for its owner alone, if one is given.
    """
    # Only a session needs it, and it changes how Python reads from a terminal.
    import readline

    readline.set_auto_history(True)
    keep = _history(history, readline.read_history_file, readline.write_history_file)
    readline.set_history_length(HISTORY_LINES)
    while True:
        try:
            line = read(PROMPT)
        except EOFError:
            say("")
            return
        except KeyboardInterrupt:
            say("")
            continue
        keep()
        yield line


def _history(
    file: Path | None, read: Callable[[Path], None], write: Callable[[Path], None]
) -> Callable[[], None]:
    """Reads the history; returns what writes it. If it cannot be kept, a message says why."""
    if file is None:
        return lambda: None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        read(file)
    except OSError as error:
        say(_not_kept(file, error))
        return lambda: None
    is_told = False

    def keep() -> None:
        nonlocal is_told
        try:
            write(file)
        except OSError as error:
            if not is_told:
                say(_not_kept(file, error))
            is_told = True

    return keep


def _not_kept(file: Path, error: OSError) -> str:
    return f"questions are not kept: {file}: {error.strerror}; RAG_HISTORY=false keeps none"
