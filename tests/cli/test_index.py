"""`rag report`, `versions`, `rollback`, `diff` and `doctor`, with the bundled model."""

import json
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.store.disk import DISK
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.store.versions import current_id, snapshot_ids
from support.file_trees import write
from support.letter_encoder import snapshot_of
from support.snapshots import ENCODER, FIRST, published

TEXT = "# Fruit\n\nFruit grows on trees.\n\n## FAQ\n\nQ: Which fruit is red?\nA: {}\n"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots: the answer to the one question differs."""
    folder = tmp_path_factory.mktemp("versions")
    for answer in ("Apples are red.", "Cherries are red."):
        (folder / "fruit.md").write_text(TEXT.format(answer))
        assert run("build", str(folder / "fruit.md"), "--index", str(folder / "index")) == 0
    return folder / "index"


def older(index: Path) -> str:
    return next(id for id in snapshot_ids(index) if id != current_id(index))


def test_report_names_each_file_of_the_live_or_a_kept_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs, where = tmp_path / "docs", ("--index", str(tmp_path / "index"))
    write(docs / "fruit.md", "---\na: b\n---\n" + TEXT.format("Apples."))
    assert run("build", str(docs), *where) == 0
    first = current_id(tmp_path / "index")
    write(docs / "new\nline.pdf", "%PDF-1.4 cut off")
    assert run("build", str(docs), *where) == 3
    capsys.readouterr()
    assert run("report", *where) == 0
    fruit, broken = capsys.readouterr().out.splitlines()
    assert fruit.startswith("indexed  fruit.md: 1 section, 1 FAQ pair, ")
    assert fruit.endswith(" characters; left out lines 1-3 (front matter)")
    assert broken.startswith("skipped:corrupt  new\\nline.pdf: corrupt: not a PDF")
    assert run("report", first[:6], "--json", *where) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["index"]["version"], report["verdicts"]) == (first, {"indexed": 1})
    assert run("report", "0" * 12, *where) == 2


def test_versions_lists_what_was_published_newest_first(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("versions", "--index", str(index)) == 0
    rows = [line.split()[::2][:2] for line in capsys.readouterr().out.splitlines()]
    assert rows == [[current_id(index), "current"], [older(index), "kept"]]
    assert run("versions", "--json", "--all", "--index", str(index)) == 0
    listed = json.loads(capsys.readouterr().out)["versions"]
    assert [each["counts"]["faq_pairs"] for each in listed] == [1, 1]
    assert listed[0]["before"] == listed[1]["id"] == older(index)


def test_removed_snapshots_are_listed_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("Apples.", "Pears.", "Plums."):
        published(tmp_path / "index", text, keep=2)
    for arguments, number in (((), 2), (("--all",), 3)):
        assert run("versions", *arguments, "--index", str(tmp_path / "index")) == 0
        assert len(capsys.readouterr().out.splitlines()) == number


def test_diff_shows_the_passage_and_the_answer_that_changed(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = older(index), current_id(index)
    assert run("diff", before, after[:6], "--index", str(index)) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "documents: 0 added, 0 removed, 1 changed"
    assert "~ fruit.md:7 Q: Which fruit is red? A: Cherries are red." in out
    assert out[-1] == "~ Which fruit is red? fruit.md:7 -> fruit.md:7"


def test_diff_asks_the_questions_of_a_file(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "Where does fruit grow?"}\n')
    given = ("--questions", str(questions), "--json", "--index", str(index))
    assert run("diff", older(index), current_id(index), *given) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["questions"], found["answers"]) == (1, [])
    assert found["documents"] == {"added": [], "removed": [], "changed": ["fruit.md"]}


def test_diff_of_snapshots_by_another_model_compares_no_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    with writing(index):
        snapshot = snapshot_of(tmp_path / "faq", a=TEXT.format("Apples."))
        publish(index, snapshot, ENCODER, DISK, verify=in_process)
    assert run("diff", older(index), current_id(index), "--index", str(index)) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "answers: 0 of 0 changed"
    assert "answers are not compared" in err and "built with model paper" in err


def test_doctor_finds_a_sound_index_sound_and_names_what_is_broken(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", "--index", str(index)) == 0
    assert all(line.startswith("ok ") for line in capsys.readouterr().out.splitlines())
    path = index / current_id(index) / "tokens.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert run("doctor", "--json", "--index", str(index)) == 5
    path.write_bytes(whole)
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "fail"
    assert any(str(path) in check["found"] for check in found["checks"])


def test_rollback_answers_as_before_and_back_again(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was, before = current_id(index), older(index)
    assert run("rollback", "--index", str(index)) == 0
    assert capsys.readouterr().out == f"{index / before} is live again\n"
    assert run("ask", "Which fruit is red?", "--index", str(index)) == 0
    assert "Apples" in capsys.readouterr().out
    assert run("rollback", was, "--index", str(index)) == 0
    assert run("rollback", was, "--index", str(index)) == 0
    assert capsys.readouterr().out.endswith("was live already\n")
    assert current_id(index) == was


@pytest.mark.parametrize("command", ["versions", "rollback", "doctor"])
def test_without_an_index_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, "--index", str(tmp_path / "index")) == 5
    out, err = capsys.readouterr()
    assert "no index in" in out + err
    assert not (tmp_path / "index").exists()


def test_an_id_that_is_not_there_is_wrong_usage(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rollback", "zzz", "--index", str(index)) == 2
    assert run("diff", "zzz", current_id(index), "--index", str(index)) == 2
    assert "holds no snapshots with the id 'zzz'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "fault"), [('{"text": "Why?"}', "no `question`"), ("3", "no JSON")]
)
def test_a_line_without_a_question_is_named_with_the_form_of_a_line(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, fault: str
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "Why?", "id": 1}\n' + line)
    ids = (older(index), current_id(index))
    assert run("diff", *ids, "--questions", str(questions), "--index", str(index)) == 2
    said = capsys.readouterr().err
    assert f"{questions}:2: {fault}" in said and 'write one {"question": "..."} a line' in said
