"""`python -m eval` from end to end, with the bundled model."""

import json
import sys
from pathlib import Path

import pytest

from eval.cli import main
from eval.sets.faq import query_id
from rag.cli.main import main as rag
from rag.encoders.open import open_encoder
from rag.store import add_feedback, open_current
from support.eval_results import FILES
from support.faq_corpus import TEXT
from support.feedback import helpful, missing, wrong
from support.tiny_beir import folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in, with the corpus in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "lupines.md").write_text(TEXT)
    return tmp_path


def call(*arguments: str) -> int:
    sys.argv[:] = ["eval", *arguments]
    try:
        main()
    except SystemExit as exit:
        return int(exit.code or 0)
    return 0


@pytest.fixture(autouse=True)
def arguments() -> object:
    """Puts the arguments of the test run itself back."""
    kept = list(sys.argv)
    yield
    sys.argv[:] = kept


def test_what_is_skipped_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "corpus" / "todo.md").write_text("")
    (here / "corpus" / "lupines.md~").write_text("Old.")
    assert call("build") == 0
    said = capsys.readouterr().err
    assert said.endswith(
        "skipped todo.md: empty: the file is empty; write something into it or remove it\n"
    )


def test_build_then_run_then_compare(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("build") == 0
    assert "2 FAQ pairs, 2 questions, 2 counted, labels: silver" in capsys.readouterr().out
    rows = [
        {"id": "a1", "question": "When to sow?", "answerable": True, "split": "test",
         "gold": [{"quote": "Sow seeds early."}]},
        {"id": "a2", "question": "Why soak?", "answerable": True, "split": "train",
         "gold": [{"quote": "Soak seeds overnight."}]},
        {"id": "u1", "question": "Quartz?", "answerable": False, "split": "test", "gold": []},
    ]  # fmt: skip
    (here / "eval" / "local" / "lupines" / "questions.jsonl").write_text(
        "\n".join(map(json.dumps, rows))
    )
    assert call("--report", "report.html") == 0
    out = capsys.readouterr().out
    assert "Written questions (n = 1)" in out
    assert "1 answerable and 1 unanswerable" in out
    assert (here / "report.html").read_text().startswith("<!doctype html>")
    (path,) = (here / "eval" / "local" / "results").glob("lupines-*.json")
    assert call("compare", f"{path}#bm25", str(path)) == 0
    assert "differs by" in capsys.readouterr().out


def test_what_is_kept_stands_beside_the_code_and_is_made_again_there(here: Path) -> None:
    assert call("build", "--keep") == 0
    assert call("build") == 0
    assert call("run") == 0
    assert [path.name for path in (here / "eval" / "local").iterdir()] == ["results"]
    assert not (here / "eval" / "results").exists()
    assert call("run", "--keep") == 0
    assert [path.name for path in (here / "eval" / "results").iterdir()] == ["lupines.json"]
    assert (here / "eval" / "lupines" / "set.json").is_file()


def test_a_run_without_a_set_fails_in_one_line_and_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run") == 2
    error = capsys.readouterr().err
    progress, told = error.splitlines()
    assert progress == "files read: 1 of 1"
    assert told.startswith("error: no eval set in eval/local/lupines: run `rag eval build`")
    assert not (here / "eval").exists()


def test_a_corpus_without_faq_fails_and_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "corpus" / "lupines.md").write_text(TEXT[: TEXT.index("## FAQ")])
    assert call("build") == 2
    assert "--faq FILE.csv" in capsys.readouterr().err
    assert not (here / "eval").exists()


def test_what_is_not_counted_is_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "corpus" / "lupines.md").write_text(TEXT + "\n### Zebras?\n\nQuaggas graze.\n")
    assert call("build", "--set", "set") == 0
    out = capsys.readouterr().out
    assert "not counted: Zebras? (support 0.00: no section holds enough of the answer)" in out
    assert f"the rule cannot judge 1 question: open {Path('set') / 'review.html'}" in out
    assert "Zebras?" in Path("set/review.html").read_text()


def test_judgments_saved_after_the_build_count_in_the_run(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "corpus" / "lupines.md").write_text(TEXT + "\n### Zebras?\n\nQuaggas graze.\n")
    call("build", "--set", "set")
    zebras = query_id("Zebras?")
    Path("set/judgments.tsv").write_text(
        f"query\tsection\tgrade\treason\n{zebras}\tlupines.md#soil\t2\tSo.\n"
    )
    assert call("run", "--set", "set", "--results", "out") == 0
    (path,) = Path("out").glob("*.json")
    result = json.loads(path.read_text())
    assert (result["labels"]["origin"], result["labels"]["counted"]) == ("mixed", 3)
    assert "Zebras?" in [each["text"] for each in result["groups"][0]["questions"]]


def test_a_built_index_may_be_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("build")
    assert call("run", "--index", "nothing") == 5
    assert f"no index in {here / 'nothing'}:" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        rag(["build", "--no-faq", "--index", "index"])
    capsys.readouterr()
    assert call("run", "--index", "index") == 0
    out = capsys.readouterr().out
    assert "FAQ questions (n = 2)" in out
    assert "a leak" not in out


def test_a_setting_that_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_THREADS", "none")
    assert call("build") == 2
    assert "RAG_THREADS or --threads is 'none'" in capsys.readouterr().err


def test_bench_runs_a_folder_in_beir_layout(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(here / "tiny", **FILES)
    assert call("bench", "tiny") == 0
    out = capsys.readouterr().out
    assert "As published (n = 2)" in out
    assert "As we serve (n = 2)" in out
    assert len(list((here / "eval" / "local" / "results").glob("tiny-*.json"))) == 1
    assert list((here / "index" / "cache" / "documents").glob("*.npy"))


def test_feedback_becomes_an_eval_set_that_runs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        rag(["build", "--no-faq"])
    snapshot = open_current(here / "index", open_encoder("bundled", "onnx", 1))
    for given in (
        helpful(snapshot, "When do I sow them?", "Sow seeds early."),
        missing("Who won the cup?"),
        wrong(snapshot, "Why soak?", "Sow seeds early."),
    ):
        add_feedback(here / "index", given)
    capsys.readouterr()
    assert call("from-feedback", "said") == 0
    assert capsys.readouterr().out == (
        "1 question with an answer, 1 without\n"
        "  not used: 1 (only wrong passages were named)\nwritten: said\n"
    )
    # It may be made again in the same folder.
    assert call("from-feedback", "said") == 0
    assert call("run", "--set", "said", "--report", "report.html") == 0
    out = capsys.readouterr().out
    assert "Readers' questions (n = 1)" in out
    assert "1 answerable and 1 unanswerable" in out
    assert "what readers said" in (here / "report.html").read_text()


def test_without_a_helpful_passage_there_is_no_set(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        rag(["build", "--no-faq"])
    add_feedback(here / "index", missing("Who won the cup?"))
    assert call("from-feedback", "said") == 2
    assert "1 rows of feedback name no passage that answers" in capsys.readouterr().err
    assert not (here / "said").exists()
