"""`rag ask --generate`, with an endpoint that speaks the protocol."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.schemas import AskResponse
from support.chat_endpoint import KEY, Reply, chatting, refuses, writes

TEXT = "# Ferries\n\n## Fares\n\nAdults pay 30 euros for the crossing.\n"
QUESTION = "What do adults pay for the crossing?"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ferries")
    (folder / "ferries.md").write_text(TEXT)
    with pytest.raises(SystemExit):
        main(["build", str(folder / "ferries.md"), "--index", str(folder / "index")])
    return folder / "index"


def asked(
    index: Path,
    reply: Reply,
    monkeypatch: pytest.MonkeyPatch,
    *arguments: str,
    question: str = QUESTION,
) -> int:
    """The exit code of a question with that endpoint."""
    with chatting(reply) as chat:
        monkeypatch.setenv("RAG_GENERATE_URL", chat.url)
        monkeypatch.setenv("RAG_GENERATE_MODEL", "small")
        monkeypatch.setenv("RAG_GENERATE_KEY", KEY)
        with pytest.raises(SystemExit) as ended:
            main(["ask", question, "--generate", "--index", str(index), *arguments])
    return int(ended.value.code or 0)


def test_the_sentences_follow_the_passages(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = writes("Adults pay 30 euros [1]. They pay 90 euros [1]. ", "It\x1b[2J is cheap.")
    assert asked(index, reply, monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:] == [
        "Written by small from the passages, not quoted:",
        "Adults pay 30 euros. [1]",
        "They pay 90 euros. [1] (not supported: its passage does not say so: pay 90)",
        "It\\x1b[2J is cheap. (not supported: cites no passage)",
    ]
    assert any(line.startswith("1. ferries.md") for line in lines[:-4])


def test_a_failure_is_one_line_after_the_passages(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(index, refuses(401), monkeypatch) == 1
    shown = capsys.readouterr()
    assert "Adults pay 30 euros" in shown.out
    assert shown.err == "error: the endpoint refuses the key: check RAG_GENERATE_KEY\n"
    assert KEY not in shown.out + shown.err


def test_a_model_that_declines_is_told(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(index, writes("NOT FOUND"), monkeypatch) == 0
    assert "The model finds no answer in the passages." in capsys.readouterr().out


def test_an_abstention_writes_nothing(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = asked(index, writes("Paris."), monkeypatch, question="What is the capital of France?")
    assert code == 4
    assert "Paris." not in capsys.readouterr().out


def test_without_an_endpoint_it_says_what_to_set(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["ask", QUESTION, "--generate", "--index", str(index)])
    assert "RAG_GENERATE_URL and RAG_GENERATE_MODEL" in capsys.readouterr().err


def test_json_is_the_answer_with_what_was_written(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = writes("Adults pay 30 euros [1]. They pay 90 euros [1].")
    assert asked(index, reply, monkeypatch, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(AskResponse.model_fields) == [*found][:-1]
    written = found["generated"]
    assert (written["status"], written["error"]) == ("complete", None)
    right, wrong = written["sentences"]
    [quote] = right["quotes"]
    assert quote["text"] == TEXT[quote["char_start"] : quote["char_end"]]
    assert (right["supported"], wrong["supported"], wrong["missing"]) == (True, False, ["pay 90"])


def test_json_holds_a_failure_and_the_exit_code_tells_it(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(index, refuses(429), monkeypatch, "--format", "json") == 1
    shown = capsys.readouterr()
    written = json.loads(shown.out)["generated"]
    assert (written["status"], written["error"]["code"]) == ("failed", "endpoint_busy")
    assert shown.err.startswith("error: the endpoint takes no more requests for now")


def test_markdown_lists_what_was_written_below_the_passages(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = writes("Adults pay 30 euros [1]. They pay 90 euros [1].")
    assert asked(index, reply, monkeypatch, "--format", "md") == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [
        "",
        "**Written by small from the passages, not quoted:**",
        "",
        "- Adults pay 30 euros. [1]",
        "- They pay 90 euros. [1] (not supported: its passage does not say so: pay 90)",
    ]


@pytest.mark.parametrize(("form", "status"), [("json", "declined"), ("md", None)])
def test_a_model_that_declines_is_told_in_each_format(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    form: str,
    status: str | None,
) -> None:
    assert asked(index, writes("NOT FOUND"), monkeypatch, "--format", form) == 0
    out = capsys.readouterr().out
    if status:
        assert json.loads(out)["generated"]["status"] == status
    else:
        assert out.endswith("\n\nThe model finds no answer in the passages.\n")


@pytest.mark.parametrize("form", ["json", "md"])
def test_an_abstention_writes_nothing_in_any_format(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    question = "What is the capital of France?"
    assert asked(index, writes("Paris."), monkeypatch, "--format", form, question=question) == 4
    out = capsys.readouterr().out
    assert "Written by" not in out and "Paris." not in out
    assert form == "md" or json.loads(out)["generated"]["status"] == "abstained"
