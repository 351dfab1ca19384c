"""The commands behind docs/quality.md from end to end: tiny data, the real model and head."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from eval.provenance import read_outcome
from eval.studies import (
    fit_confidence,
    fit_fusion,
    score_gate,
    score_highlights,
    train_head,
)
from eval.studies.cases import STATEMENTS
from eval.studies.tasks import COLLECTIONS
from rag.types import silent
from support.models import HEAD
from support.places import ROOT
from support.tiny_beir import articles, write_collection

FAQ = "# Fruit\n\n## FAQ\n\nQ: What is red?\nA: Apples.\n\nQ: What is dark?\nA: Cherries.\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in (*COLLECTIONS, "pubmedqa_l"):
        write_collection(folder / "retrieval" / name)
    write_collection(folder / "abstention/squad2", unanswerable=True, rows=articles(30))
    (folder / "faq_pages").mkdir()
    (folder / "faq_pages" / "fruit.md").write_text(FAQ)
    return folder


def made(command: Any, data: Path, name: str) -> dict[str, Any]:
    command.main(data, data / name, data / "cache")
    return read_outcome(data / name)


def test_the_head_is_trained_on_the_training_articles_alone(data: Path) -> None:
    train_head.main(data, data / "head.safetensors", data / "cache")
    assert load_file(data / "head.safetensors")["weights"].shape == (384, 384)
    encoder = train_head.open_onnx_encoder(train_head.bundled_model(), 1)
    recipe = train_head.TrainingRecipe()
    sets = train_head.training_sets(data, encoder, data / "cache", recipe, silent)
    assert [(each.pool.name, len(each.found)) for each in sets] == [
        ("squad2", 40),
        ("pubmedqa_l", 4),
        ("faq_pages", 2),
    ]


def test_fusions_are_compared_on_eight_tasks(data: Path) -> None:
    found = made(fit_fusion, data, "fusion.json")
    assert list(found["tasks"]) == [*COLLECTIONS, "squad2", "squad2-articles"]
    assert found["tasks"]["squad2"] == {"questions": 20, "passages": 60}
    assert found["tasks"]["squad2-articles"] == {"questions": 20, "passages": 20}
    assert found["head_sha256"] == HEAD.sha256


def test_the_confidence_is_fitted_without_the_score_articles(data: Path) -> None:
    other = FAQ.replace("Fruit", "Metal").replace("figs", "gold").replace("rot", "shine")
    (data / "faq_pages" / "metal.md").write_text(other)
    profiles = Path(shutil.copytree(ROOT / fit_confidence.PROFILES, data / "profiles"))
    fit_confidence.main(data, data / "confidence.json", data / "cache", profiles)
    found = read_outcome(data / "confidence.json")
    for file in profiles.iterdir():
        assert read_outcome(file)["bias"] == round(found["bias"], 2)
    assert (set(found["slopes"]), set(found["discounts"])) == (
        {"coverage", "lead"},
        {"number", "names"},
    )
    alone = ["articles", "articles alone", "paragraphs alone"]
    assert list(found["sets"])[-3:] == [f"squad2, calibrate {each}" for each in alone]
    assert list(found["unseen"]) == [*STATEMENTS, *(f"squad2, score {each}" for each in alone)]
    # seven articles, two questions each, and one without an answer
    assert found["sets"]["squad2, calibrate articles"]["questions"] == 21
    assert set(found["tried"]) == {*fit_confidence.TRIED, fit_confidence.ISOTONIC}


def test_highlights_are_scored(data: Path) -> None:
    found = made(score_highlights, data, "highlights.json")
    assert found["as_served"]["questions"] == 6
    assert set(found["tried"]) == set(score_highlights.VARIANTS)


def test_the_gate_is_scored_on_the_score_articles(data: Path) -> None:
    score_gate.main(data, data / "gate.json")
    found = read_outcome(data / "gate.json")
    assert (found["figures"]["n"], found["seeds"]) == (6, score_gate.SEEDS)
    assert found["changes"]["another order"]["lost"] == 0.0
