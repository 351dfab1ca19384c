"""`rag ask` without a question, on a real pseudo-terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.places import ROOT
from support.terminal import Terminal, terminal

QUESTION = "Which procedure collects the T cells?"


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


def test_what_is_no_question_is_told(opened: Terminal) -> None:
    for line, said in (
        (":source", "error: there is no answer yet: ask a question first"),
        (":json", "error: there is no answer yet"),
        (":go", "error: :go is no command: :help lists them"),
        (":help", ":source 2   passage 2"),
        ("  ", "\n> "),
    ):
        assert said in opened.ask(line, "\n> ")
    opened.ask(QUESTION, "\n> ")
    said = opened.ask(":source 9", "\n> ")
    assert "error: there is no passage 9: choose 1 to 5" in said


def test_ctrl_c_drops_the_line_alone(opened: Terminal) -> None:
    opened.type("half a quest\x03")
    opened.wait_for("quest^C" if "^C" in opened.shown else "\n> ", len(opened.shown))
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


def test_a_history_that_cannot_be_kept_is_told(index: Path, tmp_path: Path) -> None:
    (tmp_path / "rag").write_text("a file")
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with terminal("ask", "--index", str(index), cwd=tmp_path, environment=environment) as opened:
        assert "questions are not kept" in opened.wait_for("\n> ")
        assert left(opened) == 0


def test_a_new_snapshot_answers_the_next_question(tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "fruit.md").write_text("# Fruit\n\nBlue plums ripen late.\n")
    build(docs, index)
    with terminal("ask", "--index", str(index), cwd=tmp_path, environment={}) as opened:
        opened.wait_for("\n> ")
        assert "fruit.md:3-3" in opened.ask("When do blue plums ripen?", "\n> ")
        (docs / "fruit.md").write_text("# Fruit\n\nSorted.\n\n## Plums\n\nBlue plums ripen late.\n")
        build(docs, index)
        assert "moved " in opened.ask(":source 1", "\n> ")
        assert "fruit.md:7-7" in opened.ask("When do blue plums ripen?", "\n> ")


def test_without_a_terminal_a_question_is_required(index: Path) -> None:
    command = [sys.executable, "-m", "rag", "ask", "--index", str(index)]
    done = subprocess.run(command, capture_output=True, text=True, input="why\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no question is given: write one, or run `rag ask` at a terminal\n"
    )
