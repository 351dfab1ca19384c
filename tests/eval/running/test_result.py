"""Results files: complete, the same for the same run, and read back whole."""

import hashlib
import subprocess
from pathlib import Path

import pytest
import pytrec_eval

from eval.provenance import commit, machine
from eval.running.result import (
    Result,
    qrels_of,
    read_result,
    run_facts,
    to_json,
    write_figures,
    write_result,
)
from rag.types.errors import UsageError
from support.eval_results import lupine_result
from support.faq_corpus import indexed, source


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return lupine_result(tmp_path)


def test_a_result_is_named_by_its_content_and_survives_its_file(
    tmp_path: Path, result: Result
) -> None:
    path, *runs = write_result(tmp_path / "results", result)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert path.name == f"lupines-{sha}.json"
    assert [run.name for run in runs] == [
        f"lupines-{sha}.{group}.run" for group in ("faq", "faq-in-index", "written")
    ]
    assert to_json(read_result(path)) == path.read_text()


def test_the_figures_that_are_kept_are_those_of_the_run(tmp_path: Path, result: Result) -> None:
    path = write_figures(tmp_path / "results", result)
    kept = read_result(path)
    assert path.name == "lupines.json"
    assert [group.questions for group in kept.groups] == [[], [], []]
    rows = [group.rows for group in read_result(write_result(tmp_path, result)[0]).groups]
    assert [group.rows for group in kept.groups] == rows


def test_the_run_file_gives_trec_eval_the_figures_of_the_results_file(
    tmp_path: Path, result: Result
) -> None:
    path, run, *_ = write_result(tmp_path / "results", result)
    with run.open() as file:
        returned = pytrec_eval.parse_run(file)
    group = read_result(path).groups[0]
    qrels = {query: dict(judged) for query, judged in qrels_of(group).items()}
    values = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut_10"}).evaluate(returned)
    mean = sum(each["ndcg_cut_10"] for each in values.values()) / len(values)
    assert group.rows[3].figures["nDCG@10"].mean == pytest.approx(mean, abs=1e-6)


def test_a_result_says_what_it_was_measured_on_and_with(result: Result) -> None:
    assert set(result.facts) == {
        "command",
        "commit",
        "corpus_sha256",
        "counts",
        "machine",
        "model",
        "recipe",
        "settings",
        "software",
    }
    assert result.facts["command"] == "python -m eval run lupines.md docs/"
    assert result.facts["settings"]["seed"] == 20_240_229


def test_the_machine_has_no_name() -> None:
    assert set(machine()) == {"processor", "cores", "system", "python"}
    assert all(machine().values())


def test_the_commit_is_known_or_said_to_be_unknown(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"
    for command in (
        ["init", "--quiet"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    assert len(commit(tmp_path)) == 40
    for name, mark in (("eval/results/figures.json", ""), ("new", "+")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
        subprocess.run(["git", "-C", str(tmp_path), "add", name], check=True)
        assert commit(tmp_path)[40:] == mark


@pytest.mark.parametrize(
    ("text", "message"), [(None, "no results file"), ("{", "is no results"), ("[]", "of format 1")]
)
def test_what_is_no_results_file_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_result(tmp_path / "r.json")


def test_facts_hold_the_settings_given(tmp_path: Path) -> None:
    manifest = indexed(source(tmp_path)).manifest
    assert run_facts(manifest, ["rag"], {"top": 5})["settings"]["top"] == 5
