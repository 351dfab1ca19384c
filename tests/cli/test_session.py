"""`rag ask` without a question: what a session does, and how it is on a real pseudo-terminal."""

from __future__ import annotations

import json
import readline
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import rag
from rag.cli.main import main
from rag.cli.session import Session, converse, history_file, typed_lines
from rag.serving import Endpoint
from support.chat_endpoint import chatting, writes
from support.letter_encoder import LetterEncoder, corpus
from support.places import ROOT
from support.terminal import Terminal, terminal

QUESTION = "Which procedure collects the T cells?"


FRUIT = (
    "# Fruit\n\nIt ripens late:\n\n## Plums\n\n**Blue** plums ripen.\n\n# FAQ\n\nQ: Why?\nA: So.\n"
)


def session(folder: Path) -> Session:
    """A session over an index of a small corpus, whose console writes to a file."""
    docs = corpus(folder / "docs", fruit=FRUIT)
    return opened_session(folder, rag.build(docs, folder / "i", encoder=LetterEncoder()))


def opened_session(folder: Path, index: rag.Index) -> Session:
    console = Console(file=StringIO(), width=80)
    return Session(folder / "i", index.encoder, index.snapshot, console, top_k=2, mode="hybrid")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return session(tmp_path_factory.mktemp("fruit"))


@pytest.fixture
def asked(built: Session) -> Session:
    """A new session over an index that no test changes."""
    return opened_session(built.index.parent, rag.Index(built.snapshot, built.encoder))


def shown(session: Session) -> str:
    assert isinstance(session.console.file, StringIO)
    return session.console.file.getvalue()


def test_a_question_is_answered_and_passages_that_are_not_quoted_are_only_named(
    asked: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.welcome()
    assert capsys.readouterr().err.splitlines() == [
        "1 document. :help lists commands, Ctrl-D leaves.",
        "  for example: Why?",
    ]
    converse(asked, iter(["blue plums ripen"]))
    head, first, *others = shown(asked).split("\n\n")
    assert head.endswith("\nBlue plums ripen. [1]")
    assert first == "1. fruit.md:7 > Fruit > Plums\n»Blue plums ripen.«"
    [other] = others
    assert other.startswith("2. fruit.md:3 > Fruit\n(:source N")


def test_a_source_is_shown_in_its_surroundings_and_checked(
    asked: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    converse(asked, iter(["blue plums ripen"]))
    before = len(shown(asked))
    converse(asked, iter([":source"]))
    assert (
        shown(asked)[before:].lstrip().startswith("It ripens late:\n\nPlums\n\n»Blue plums ripen.«")
    )
    assert capsys.readouterr().err == "valid    fruit.md:7 > Fruit > Plums\n"


def test_the_next_question_is_answered_by_the_index_that_is_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = session(tmp_path)
    converse(asked, iter(["blue plums ripen"]))
    docs = corpus(tmp_path / "docs", fruit="# New\n\nSome words.\n\n" + FRUIT)
    new = rag.build(docs, tmp_path / "i", encoder=asked.encoder)
    converse(asked, iter([":json"]))
    answered = json.loads(capsys.readouterr().out)
    assert answered["index"]["version"] != new.snapshot.id
    converse(asked, iter([":source 1", "blue plums ripen"]))
    assert capsys.readouterr().err.startswith("moved    fruit.md[")
    assert asked.snapshot.id == new.snapshot.id
    assert "1. fruit.md:11" in shown(asked)


def test_a_filter_holds_for_the_questions_that_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = corpus(tmp_path / "docs", fruit=FRUIT, other="# Other\n\nBlue plums ripen.\n")
    asked = opened_session(tmp_path, rag.build(docs, tmp_path / "i", encoder=LetterEncoder()))
    converse(asked, iter([":filter document other.md", "blue plums ripen", ":json"]))
    shown = capsys.readouterr()
    assert shown.err == "searched now: document other.md\n"
    passages = json.loads(shown.out)["passages"]
    assert {passage["citation"]["document_id"] for passage in passages} == {"other.md"}
    asked.welcome()
    assert capsys.readouterr().err.endswith("searched now: document other.md\n")
    converse(asked, iter([":filter document none.md", ":filter"]))
    assert capsys.readouterr().err.splitlines() == [
        "error: --document 'none.md' is no document of the index: did you mean 'other.md'? "
        "`rag report` lists them",
        "searched now: all documents",
    ]


def test_what_a_model_writes_follows_the_passages_and_a_failure_ends_no_session(
    asked: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    with chatting(writes("Blue plums ripen [1].")) as chat:
        asked.endpoint = Endpoint(f"{chat.url}/chat/completions", "small")
        converse(asked, iter(["blue plums ripen", ":json"]))
    assert "Written by small from the passages, not quoted:\nBlue plums" in shown(asked)
    assert json.loads(capsys.readouterr().out)["generated"]["status"] == "complete"
    converse(asked, iter(["blue plums ripen", ":json"]))
    told = capsys.readouterr()
    assert told.err.startswith("error: the endpoint")
    assert json.loads(told.out)["generated"]["status"] == "failed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (":source", "error: there is no answer yet: ask a question first"),
        (":json", "error: there is no answer yet: ask a question first"),
        (":go", "error: :go is no command: :help lists them"),
        (":help", "Write a question to ask the documents."),
        ("  ", ""),
    ],
)
def test_what_is_no_question_is_told(
    asked: Session, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    converse(asked, iter([line]))
    assert (capsys.readouterr().err.splitlines() or [""])[0] == said


def test_a_passage_that_is_not_there_is_named(
    asked: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    converse(asked, iter(["blue plums ripen", ":source 9"]))
    assert capsys.readouterr().err == "error: there is no passage 9: choose 1 to 2\n"


def test_an_index_that_is_gone_is_told_and_the_session_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = session(tmp_path)
    (tmp_path / "i" / "CURRENT").rename(tmp_path / "CURRENT")
    converse(asked, iter(["blue plums ripen", ":help"]))
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("error: no index in ") and others


def typing(*keys: str | type[BaseException]) -> Callable[[str], str]:
    """What reads lines as a person types them; an exception stands for its key."""
    left = iter(keys)

    def read(prompt: str) -> str:
        key = next(left)
        if isinstance(key, str):
            readline.add_history(key)
            return key
        raise key

    return read


def test_lines_end_with_ctrl_d_and_ctrl_c_drops_one(tmp_path: Path) -> None:
    history = tmp_path / "state" / "history"
    read = typing("one", KeyboardInterrupt, "two", EOFError)
    readline.clear_history()
    assert list(typed_lines(history, read)) == ["one", "two"]
    assert history.read_text().splitlines()[-2:] == ["one", "two"]
    assert history.stat().st_mode & 0o777 == 0o600
    assert list(typed_lines(None, typing(EOFError))) == []


def test_a_history_that_cannot_be_kept_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file")
    assert list(typed_lines(tmp_path / "state" / "history", typing("one", EOFError))) == ["one"]
    assert "questions are not kept: " in capsys.readouterr().err


def test_a_history_that_is_lost_is_told_once_and_the_questions_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "state" / "history"
    lines = typed_lines(history, typing("one", "two", "three", EOFError))
    assert next(lines) == "one"
    history.unlink()
    history.parent.rmdir()
    assert list(lines) == ["two", "three"]
    assert capsys.readouterr().err.count(f"questions are not kept: {history}: No such file") == 1


def test_the_history_is_in_the_folder_for_the_state_of_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "rag" / "history"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert history_file() == Path.home() / ".local" / "state" / "rag" / "history"


def test_without_a_folder_for_it_no_history_is_kept_which_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert history_file() is None
    assert "questions are not kept: " in capsys.readouterr().err


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("session") / "index"
    build(ROOT / "corpus", index)
    return index


def build(documents: Path, index: Path) -> None:
    command = [sys.executable, "-m", "rag", "build", str(documents), "--index", str(index)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def opened(index: Path, tmp_path: Path) -> Iterator[Terminal]:
    with terminal(
        "ask", "--index", str(index), cwd=tmp_path, environment={"XDG_STATE_HOME": str(tmp_path)}
    ) as found:
        found.wait_for("\n> ")
        yield found


def left(opened: Terminal) -> int:
    opened.type("\x04")
    return opened.exit_code()


def test_it_answers_shows_the_source_and_leaves(opened: Terminal) -> None:
    assert "for example: What is meant by CAR T cell therapy?" in opened.shown
    answer = opened.ask(QUESTION, "\n> ")
    assert "leukapheresis. [1]" in answer
    assert "5. car-t-lupus.md" in answer
    source = opened.ask(":source 1", "\n> ")
    assert "valid    car-t-lupus.md:140-149" in source
    assert "Treatment Protocol\n" in source and "#" not in source
    assert left(opened) == 0


def test_sentences_are_green_places_are_links_and_the_answer_is_there_as_json(
    opened: Terminal,
) -> None:
    opened.ask(QUESTION, "\n> ")
    assert "\x1b[1;32mThe patient's T cells" in opened.raw
    assert "]8;id=" in opened.raw
    assert f"{(ROOT / 'corpus').as_uri()}/car-t-lupus.md" in opened.raw
    shown = opened.ask(":json", "\n}\n> ")
    assert json.loads(shown[shown.index("{") : shown.rindex("}") + 1])["question"] == QUESTION


def test_ctrl_c_drops_the_line_alone(opened: Terminal) -> None:
    opened.type("half a quest")
    opened.wait_for("quest", len(opened.shown))
    opened.interrupt("\n> ")
    assert "Answer" in opened.ask(QUESTION, "\n> ")
    assert left(opened) == 0


def test_questions_are_kept_for_the_next_time(index: Path, tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    for keys, shown in ((QUESTION, "Answer"), ("\x1b[A", QUESTION)):
        with terminal("ask", "--index", str(index), cwd=tmp_path, environment=environment) as new:
            new.wait_for("\n> ")
            new.type(f"{keys}\n")
            new.wait_for(shown, new.shown.index("\n> "))
            new.wait_for("Answer", new.shown.index("\n> "))
    history = tmp_path / "rag" / "history"
    assert history.read_text() == f"{QUESTION}\n"
    assert history.stat().st_mode & 0o777 == 0o600


def test_questions_are_not_kept_if_the_setting_says_so(index: Path, tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path), "RAG_HISTORY": "false"}
    with terminal("ask", "--index", str(index), cwd=tmp_path, environment=environment) as opened:
        opened.wait_for("\n> ")
        opened.ask(QUESTION, "\n> ")
        assert left(opened) == 0
    assert not (tmp_path / "rag").exists()


@pytest.mark.parametrize("option", ["--json", "--format=md"])
def test_formats_for_programs_require_a_question(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit):
        main(["ask", option])
    assert capsys.readouterr().err == (
        "error: no question is given: --json and --format require one\n"
    )


def test_without_a_terminal_a_question_is_required(index: Path) -> None:
    command = [sys.executable, "-m", "rag", "ask", "--index", str(index)]
    done = subprocess.run(command, capture_output=True, text=True, input="why\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no question is given: write one, or run `rag ask` at a terminal\n"
    )


def test_one_question_at_a_terminal_keeps_its_answer_in_sight(index: Path, tmp_path: Path) -> None:
    arguments = ("ask", QUESTION, "--index", str(index))
    with terminal(*arguments, cwd=tmp_path, environment={}) as opened:
        shown = opened.wait_for("(--format md shows all passages in full)")
        assert shown.index("[1]") < shown.index("1. car-t-lupus.md:140-149")
        assert opened.exit_code() == 0
