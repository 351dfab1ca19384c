import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rag import __version__
from rag.cli.console import command_line
from rag.cli.console import run as run_app
from rag.cli.main import main
from rag.types.settings import Settings
from support.places import ROOT

CORPUS = ROOT / "corpus"
QUESTION = "Which procedure collects the T cells?"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("index")
    assert run("build", str(CORPUS), "--index", str(index)) == 0
    return index


def test_ask_prints_the_passage_its_place_and_the_marked_sentence(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ask", QUESTION, "--index", str(index)) == 0
    out, err = capsys.readouterr()
    head, _, passages = out.partition("\n\n")
    title, quote, *_, notice = head.splitlines()
    assert title.startswith("Answer (confidence 0.9")
    assert quote.endswith("a procedure called leukapheresis. [1]")
    assert notice == "This is no medical advice. Ask a doctor about a treatment."
    assert passages.splitlines()[0].startswith("1. car-t-lupus.md:")
    assert passages.splitlines()[0].endswith("> Treatment Protocol")
    marked = out.split("»")[1].split("«")[0]
    assert "leukapheresis" in marked
    assert err == ""


def test_ask_as_json_cites_to_the_character(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ask", QUESTION, "--json", "--top-k", "2", "--index", str(index)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["passages"]) == 2
    best = answer["passages"][0]
    text = (CORPUS / best["citation"]["document_id"]).read_text(encoding="utf-8")
    span = slice(best["citation"]["char_start"], best["citation"]["char_end"])
    assert text[span] == best["text"]


def test_ask_as_markdown_quotes_what_the_document_says(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "Which domains does the receptor have?"
    arguments = ("--format", "md", "--top-k", "1", "--index", str(index))
    assert run("ask", question, *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("**Answer** (confidence ") or lines[0].startswith("**Maybe")
    assert "> [1]" in lines
    assert "   > | Component | Function |" in lines


def test_an_abstention_says_so_and_exits_with_4(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ask", "Who won the chess championship in 1987?", "--index", str(index)) == 4
    assert "do not seem to answer" in capsys.readouterr().out


def test_info_shows_the_manifest(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", "--index", str(index)) == 0
    shown = capsys.readouterr().out
    assert "28 sections, 8 FAQ pairs" in shown
    assert "\nprofile fitted to this model\n" in shown
    assert run("info", "--json", "--index", str(index)) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert manifest["id"] == (index / "CURRENT").read_text().strip()


def test_a_build_that_is_not_needed_is_not_done(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("build", str(CORPUS), "--if-stale", "--index", str(index)) == 0
    assert capsys.readouterr() == ("", f"{index} is up to date, built from corpus\n")


def test_a_change_of_the_corpus_makes_the_index_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    corpus.mkdir()
    for text in ("Apples are red.", "Pears are green."):
        (corpus / "a.txt").write_text(text)
        assert run("build", str(corpus), "--if-stale", "--index", str(index)) == 0
        assert "1 passage" in capsys.readouterr().out
    assert run("build", str(corpus), "--no-faq", "--if-stale", "--index", str(index)) == 0
    assert "1 passage" in capsys.readouterr().out


def files(index: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(index.rglob("*")) if path.is_file()}


def make_bad(folder: Path, kind: str) -> Path:
    path = folder / kind
    match kind:
        case "empty-folder":
            path.mkdir()
        case "empty.txt":
            path.write_bytes(b"")
        case "blank.md":
            path.write_text(" \n")
        case "unknown.xyz":
            path.write_text("text")
        case "undecodable.txt":
            path.write_bytes(b"\xe9\x01\x02" * 20)
        case "link.txt":
            path.symlink_to(CORPUS / "car-t-lupus.md")
            return folder
        case "bad.jsonl":
            path.write_text('{"_id": 1\n')
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty-folder",
        "empty.txt",
        "blank.md",
        "unknown.xyz",
        "undecodable.txt",
        "link.txt",
        "bad.jsonl",
    ],
)
def test_a_corpus_that_cannot_be_read_is_one_line_and_changes_nothing(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    before = files(index)
    assert run("build", str(make_bad(tmp_path, kind)), "--index", str(index)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert kind in err
    assert files(index) == before


def test_a_corpus_of_faq_alone_cannot_be_built_without_it(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faq.txt").write_text("FAQ\nQ: Why?\nA: Because.\n")
    arguments = ("build", str(tmp_path), "--no-faq", "--replace", "--index", str(index))
    assert run(*arguments) == 2
    assert "holds only FAQ pairs (1): build it without --no-faq" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert run("build", str(tmp_path / "closed"), "--index", str(tmp_path / "i")) == 2


@pytest.mark.parametrize("options", [(), ("--skip-unreadable",)])
def test_unreadable_files_are_skipped_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    make_bad(corpus, "unknown.xyz")
    (corpus / "a.txt").write_text("Apples are red.")
    index = ("--index", str(tmp_path / "index"))
    assert run("build", str(corpus), *options, *index) == 3
    out, err = capsys.readouterr()
    assert "1 document" in out
    assert "skipped unknown.xyz" in err
    assert "--" not in err
    assert run("build", str(corpus), "--if-stale", "--full", *index) == 0
    for command in ("build", "watch"):
        assert run(command, str(corpus), "--strict", *index) == 2
        assert "unknown.xyz: unsupported: only files of type" in capsys.readouterr().err


def test_a_build_over_a_list_of_files_says_what_was_skipped_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("Apples are red.")
    (tmp_path / "b.txt").write_text("")
    files = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    assert run("build", *files, "--json", "--index", str(tmp_path / "index")) == 3
    report = json.loads(capsys.readouterr().out.splitlines()[-1])["report"]
    assert report["verdicts"] == {"indexed": 1, "skipped:empty": 1}
    assert report["files"][0]["id"] == "b.txt"


def test_nothing_outside_an_allowed_folder_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("Apples are red.")
    within = ("--within", str(tmp_path / "in"), "--index", str(tmp_path / "index"))
    assert run("build", str(tmp_path / "in"), *within) == 0
    assert run("build", str(tmp_path / "out"), *within) == 2
    assert "it lies outside" in capsys.readouterr().err


def test_a_file_that_is_too_large_is_skipped_by_the_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_MAX_FILE_MB", "1")
    (tmp_path / "a.txt").write_text("Apples are red.")
    (tmp_path / "b.txt").write_text("Apples are red.\n" * 100_000)
    assert run("build", str(tmp_path), "--index", str(tmp_path / "index")) == 3
    said = "skipped b.txt: too_large: the file has 1.5 MB, more than the 1 MB of RAG_MAX_FILE_MB"
    assert said in capsys.readouterr().err


def test_no_index_a_damaged_one_and_another_model_exit_with_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    assert run("ask", QUESTION, "--index", str(index)) == 5
    assert "no index in" in capsys.readouterr().err
    (tmp_path / "a.txt").write_text("Apples are red.")
    assert run("build", str(tmp_path / "a.txt"), "--index", str(index)) == 0
    path = next(index.glob("*/dense.faiss"))
    path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    assert run("ask", QUESTION, "--index", str(index)) == 5
    assert "dense.faiss is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--nonsense",), ("ask",)),
        *(
            ("ask", "x", "--top-k", "0"),
            ("ask", "x", "--top-k", "a"),
            ("ask", "x", "--mode", "magic"),
        ),
    ],
)
def test_wrong_usage_exits_with_2_and_prints_no_result(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().out == ""


def test_a_blank_question_is_refused(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ask", "  ", "--index", str(index)) == 2
    assert "the question is empty" in capsys.readouterr().err


def test_a_question_that_is_no_utf_8_is_refused(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ask", "\udcff dogs", "--index", str(index)) == 2
    assert "is not text in UTF-8" in capsys.readouterr().err


def test_a_wrong_setting_names_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_PORT", "many")
    assert run("info") == 2
    assert "RAG_PORT or --port is 'many'" in capsys.readouterr().err


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_INDEX", "elsewhere")
    assert Settings().index == Path("elsewhere")


def test_a_port_in_use_is_refused(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run("serve", "--port", str(port), "--index", str(index)) == 75
    assert f"port {port} is in use" in capsys.readouterr().err


def rag(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rag.cli.main import main; main()", *arguments]
    return subprocess.run(command, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]


def test_asking_imports_no_torch(index: Path) -> None:
    code = (
        "import sys\nfrom rag.cli.main import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
        "    print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "ask", QUESTION, "--index", str(index)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_full_disk_and_a_closed_pipe_leave_no_traceback(index: Path) -> None:
    with open("/dev/full", "w") as full:
        done = rag("ask", QUESTION, "--index", str(index), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the result cannot be written" in done.stderr


def test_a_file_that_fails_is_not_taken_for_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = command_line()

    @app.command()
    def read() -> None:
        (tmp_path / "gone").read_bytes()

    with pytest.raises(SystemExit) as exit:
        run_app(app, [])
    assert exit.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: [Errno 2] No such file") and "gone" in said
    assert "the result" not in said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(index: Path, closed: str) -> None:
    command = f"exec {sys.executable} -m rag ask {QUESTION} --index {index} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert bool(done.stdout) == (">&-" not in closed.split())


def test_errors_go_nowhere_where_stderr_is_closed(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m rag ask why --index {tmp_path} 2>&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_an_encoding_lacks_is_escaped(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.md").write_text(
        "# Zellen\n\nT-Zellen hei\u00dfen auf Chinesisch \u7ec6\u80de.\n"
    )
    assert run("build", str(tmp_path / "a.md"), "--index", str(tmp_path / "index")) == 0
    command = [sys.executable, "-m", "rag", "ask", "T-Zellen", "--index", str(tmp_path / "index")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert rb"\u7ec6\u80de" in done.stdout


def test_a_file_name_is_never_obeyed_by_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "\x1b[2J\x1b]0;owned\x07\x9b31m‮"
    folder, index = tmp_path / f"docs{hostile}", tmp_path / f"index{hostile}"
    folder.mkdir()
    (folder / f"a{hostile}.md").write_text("# Fruit\n\nApples are red.\n")
    (folder / f"b{hostile}.png").write_bytes(b"\x89PNG")
    (folder / f"c{hostile}\nerror: fake.md").write_text("# Pears\n\nPears are green.\n")
    commands = [
        ("build", str(folder)),
        ("build", str(folder), "--strict"),
        ("build", str(tmp_path / f"none{hostile}")),
        ("build", "--if-stale"),
        ("ask", "Which fruit is red?"),
        ("ask", "Which fruit is green?"),
        ("info",),
        ("versions",),
        ("doctor",),
        ("rollback",),
        ("verify", f"none{hostile}"),
        ("eval", "build", str(folder)),
    ]
    for command in commands:
        at = ("--index", str(index)) if command[0] != "eval" else ()
        done = rag(*command, *at, capture_output=True)
        said = done.stdout + done.stderr
        assert said and not set("\x1b\x07\x9b‮") & set(said), command
        assert "\nerror: fake" not in said
    (next(index.glob("*/manifest.json")).parent / f"x{hostile}").write_text("")
    done = rag("ask", "Which fruit?", "--index", str(index), capture_output=True)
    assert "does not belong there" in done.stderr and "\x1b" not in done.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), ("ask",), ("build",), ("eval",), ("eval", "build")])
def test_help_has_a_short_name_and_names_the_command(command: tuple[str, ...], option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rag", *command, option], capture_output=True, text=True, check=True
    )
    usage = " ".join(["Usage: python -m rag", *command, "["])
    assert done.stdout.startswith(usage), done.stdout


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"rag {__version__}\n"


def test_a_question_needs_no_quotes(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ask", *QUESTION.split(), "--json", "--index", str(index)) == 0
    assert json.loads(capsys.readouterr().out)["question"] == QUESTION


def test_no_index_names_the_folder_and_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("ask", "why"), ("info",), ("versions",), ("rollback",), ("serve",)):
        assert run(*command) == 5
        assert f"no index in {tmp_path / 'index'}: " in (said := capsys.readouterr().err)
        assert "--index" in said
