"""The page on quality says what the committed results say; so does the code."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from eval.provenance import read_outcome, write_outcome
from eval.running.bench import bench
from eval.running.result import Result, write_figures
from eval.sets.beir import read_collection
from eval.studies.fit_confidence import PRIORS
from eval.studies.markdown import figure, signed, table
from eval.studies.page import OUTCOMES, PAGE, main, page_of, public_sets, read_public
from eval.studies.score_highlights import CLOSE
from rag.answering.profile import profile_of
from rag.building.calibrate import SCALE_PRIOR, SHIFT_PRIOR
from rag.encoders.bundled import file_sha256
from rag.types import silent
from rag.types.errors import UsageError
from support.letter_encoder import LetterEncoder
from support.models import BUNDLED
from support.places import ROOT
from support.tiny_beir import write_collection

RESULTS = ROOT / "eval" / "results"
SHIPPED = profile_of(BUNDLED)


def public(folder: Path, name: str) -> Result:
    collection = read_collection(write_collection(folder / name))
    return bench(collection, LetterEncoder(), folder / "cache", ["test"], silent)


def test_the_page_is_what_the_command_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert PAGE.read_text(encoding="utf-8") == page_of(RESULTS), "run `python -m eval.studies.page`"


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eval/results", "docs"):
        (tmp_path / name).mkdir(parents=True)
    for name in OUTCOMES:
        shutil.copy(RESULTS / f"{name}.json", tmp_path / "eval/results")
    monkeypatch.chdir(tmp_path)
    main()
    assert PAGE.read_text().startswith("# Quality\n")


def test_the_card_is_of_the_head_that_ships() -> None:
    head = ROOT / "rag/encoders/models/all-MiniLM-L6-v2.late.safetensors"
    assert file_sha256(head) in head.with_suffix(".md").read_text(encoding="utf-8")


def test_the_fusion_that_ships_is_the_one_that_was_measured() -> None:
    weights = read_outcome(RESULTS / "fusion.json")["weights"]
    assert weights == SHIPPED.weights


def test_the_confidence_that_ships_is_the_one_that_was_fitted() -> None:
    fitted = read_outcome(RESULTS / "confidence.json")
    measured = [fitted["bias"], *fitted["slopes"].values(), *fitted["discounts"].values()]
    shipped = [SHIPPED.bias, SHIPPED.slope, SHIPPED.lead, SHIPPED.number, SHIPPED.name]
    assert measured == pytest.approx(shipped, abs=0.05)
    thresholds = {each["risk"]: each["threshold"] for each in fitted["risks"]}
    assert pytest.approx(thresholds, abs=0.02) == dict(SHIPPED.thresholds)


def test_of_the_priors_tried_the_one_that_ships_has_the_least_loss_on_average() -> None:
    refitted = read_outcome(RESULTS / "confidence.json")["refitted"]
    means = {
        prior: np.mean([refitted[few][prior]["log_loss"] for few in refitted])
        for prior in map(str, PRIORS)
    }
    assert min(means, key=lambda each: means[each]) == str((SHIFT_PRIOR, SCALE_PRIOR))


def test_the_highlight_that_ships_holds_the_answer_often_enough() -> None:
    assert read_outcome(RESULTS / "highlights.json")["as_served"]["holds"]["mean"] >= 0.85
    assert SHIPPED.close == CLOSE


def test_without_public_results_the_page_says_so() -> None:
    assert public_sets([]).endswith("No results of public sets are kept in `eval/results/`.")


def test_sets_that_trained_the_head_are_marked_and_not_counted(tmp_path: Path) -> None:
    page = public_sets([public(tmp_path, name) for name in ("medline", "squad2")])
    assert "| squad2 † | 1.000 |" in page
    assert "| mean, sets not trained on | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 |  |" in page
    assert "mean" not in public_sets([public(tmp_path / "b", "squad2")])


def test_public_figures_are_read_by_name_and_others_left(tmp_path: Path) -> None:
    for name in ("medline", "cacm"):
        write_figures(tmp_path / "results", public(tmp_path, name))
    write_outcome(tmp_path / "results" / "other.json", {"kind": "documents"})
    assert [each.name for each in read_public(tmp_path / "results")] == ["cacm", "medline"]


def test_figures_have_three_places_and_no_leading_nought() -> None:
    assert [figure(value) for value in (0.7446, 1.0, 0.0, -0.02)] == [
        ".745",
        "1.000",
        ".000",
        "-.020",
    ]
    assert [signed(value) for value in (0.012, -0.012)] == ["+.012", "-.012"]


def test_a_table_has_its_first_column_to_the_left() -> None:
    assert table(["", "a"], [["x", ".500"]]) == "|  | a |\n| --- | ---: |\n| x | .500 |"


def test_an_outcome_is_read_as_it_was_written_to_six_digits(tmp_path: Path) -> None:
    write_outcome(tmp_path / "new" / "x.json", {"b": [1 / 3, None], "a": {"n": 2}})
    assert read_outcome(tmp_path / "new" / "x.json") == {"b": [0.333333, None], "a": {"n": 2}}
    with pytest.raises(UsageError, match=r"y\.json is no results file"):
        read_outcome(tmp_path / "y.json")
