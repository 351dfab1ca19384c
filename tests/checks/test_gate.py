"""The gate: what it refuses, what it lets pass, and what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.measures.stats import randomisation_p
from rag.checks.gate import GateResult, ask_faq, chance, figures, judge
from rag.encoders.bundled import bundled_model
from rag.encoders.onnx import open_onnx_encoder
from rag.index.snapshot import Snapshot
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder, corpus, snapshot_of
from support.places import ROOT
from support.topics_corpus import LETTERS, garden, texts, topic

ENCODER = LetterEncoder()
CORPUS = ROOT / "corpus"
BEST = {"hit@1": 1.0, "hit@3": 1.0, "MRR": 1.0, "n": 19}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """19 topics, each answered by its section, in 20 documents."""
    return garden(tmp_path_factory.mktemp("garden"))


def test_an_equal_snapshot_passes_with_its_figures(before: Snapshot, tmp_path: Path) -> None:
    assert judge(before, garden(tmp_path), ENCODER) == GateResult(BEST, (), ())


def test_a_first_build_is_measured_and_passes(before: Snapshot) -> None:
    assert judge(None, before, ENCODER) == GateResult(BEST, (), ())


# ---- counts


def test_collapsed_counts_are_refused_and_named(before: Snapshot, tmp_path: Path) -> None:
    found = judge(before, garden(tmp_path, LETTERS[:8]), ENCODER)
    assert found.reasons[:2] == (
        "20 documents before, 9 now, fewer than half: check that all files are there",
        "38 passages before, 16 now, fewer than half: check that all files are there",
    )


def test_half_of_the_documents_are_no_collapse(before: Snapshot, tmp_path: Path) -> None:
    assert judge(before, garden(tmp_path, LETTERS[:9], faq=LETTERS[:10]), ENCODER).passed


def test_a_vanished_faq_is_refused(before: Snapshot, tmp_path: Path) -> None:
    found = judge(before, garden(tmp_path, faq=""), ENCODER)
    assert found.figures == {"n": 0}
    assert found.reasons == (
        "19 FAQ pairs before, 0 now, so that the answers cannot be measured: restore them",
    )


# ---- the FAQ


def test_a_loss_beyond_chance_is_refused_and_names_the_questions(
    before: Snapshot, tmp_path: Path
) -> None:
    found = judge(before, garden(tmp_path, empty="bcdfg"), ENCODER)
    assert found.reasons == (
        "of 19 FAQ questions, 5 find less of their answer in the first 3 passages than before, "
        "0 find more (p = 0.031; on average 100% of the answer before, 74% now); less: "
        "'What fabo fumi?', 'What babo bumi?', 'What dabo dumi?', 2 more: check that their "
        "passages are there",
    )
    assert found.figures == {"hit@1": 0.7368, "hit@3": 0.7368, "MRR": 0.7368, "n": 19}


@pytest.mark.parametrize("empty", ["b", "bcdf"])
def test_noise_is_not_refused(before: Snapshot, tmp_path: Path, empty: str) -> None:
    assert judge(before, garden(tmp_path, empty=empty), ENCODER).passed


def test_what_is_gained_is_held_against_what_is_lost(tmp_path: Path) -> None:
    was = garden(tmp_path / "was", empty="hjk")
    found = judge(was, garden(tmp_path / "is", empty="bcdfg"), ENCODER)
    assert found.passed and chance(5, 3) > 0.05


def test_answers_that_moved_under_other_headings_and_documents_are_not_lost(
    before: Snapshot, tmp_path: Path
) -> None:
    bodies = [topic(letter).split("\n\n")[1] for letter in LETTERS]
    moved = "".join(f"## {n}\n\n{body}\n\n" for n, body in enumerate(bodies))
    fillers = {f"aside-{n}": "Idle.\n" for n in range(18)}
    after = snapshot_of(tmp_path, united=moved, **fillers, **{"zzz-faq": texts()["zzz-faq"]})
    assert judge(before, after, ENCODER) == GateResult(BEST, (), ())


def test_a_pair_does_not_answer_its_own_question(tmp_path: Path) -> None:
    alone = snapshot_of(tmp_path, **{"zzz-faq": texts()["zzz-faq"]})
    assert figures(ask_faq(None, alone, ENCODER))["hit@3"] == 0


def test_new_questions_count_for_the_figures_alone(tmp_path: Path) -> None:
    was, is_ = (garden(tmp_path / name, faq=faq) for name, faq in (("was", "bcd"), ("is", "bcdf")))
    asked = ask_faq(was, is_, ENCODER)
    assert [each.question for each in asked][3:] == ["What fabo fumi?"]
    assert [each.before for each in asked] == [asked[0].after] * 3 + [None]
    assert figures(asked)["n"] == 4


def test_questions_are_the_same_whatever_their_case_and_blanks(tmp_path: Path) -> None:
    was = garden(tmp_path / "was", faq="", more="Q: what   BABO bumi?\nA: Beko bilu.")
    (asked,) = ask_faq(was, garden(tmp_path / "is", faq="b"), ENCODER)
    assert asked.before == asked.after and asked.found


@pytest.mark.parametrize(("faq", "said"), [("bcdf", True), ("bcdfg", False)])
def test_too_few_questions_are_said(tmp_path: Path, faq: str, said: bool) -> None:
    was, is_ = (garden(tmp_path / name, faq=faq) for name in ("was", "is"))
    expected = (
        "too few to judge: of 4 FAQ questions in both, 4 found their answer in the documents "
        "before, and 5 are needed"
    )
    found = judge(was, is_, ENCODER)
    assert found.passed and found.notes == ((expected,) if said else ())


def test_no_more_than_so_many_questions_are_asked(tmp_path: Path) -> None:
    more = "".join(f"Q: Why {n}?\nA: So {n}.\n\n" for n in range(190))
    was = garden(tmp_path / "was")
    asked = ask_faq(was, garden(tmp_path / "is", more=more), ENCODER)
    assert len(asked) == 200
    assert all(each.before is not None for each in asked[:19])
    assert all(each.before is None for each in asked[19:])


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (5, 0), (6, 1), (3, 9), (9, 3)])
def test_chance_is_the_randomisation_test_of_the_evaluation(lost: int, gained: int) -> None:
    two_sided = randomisation_p(np.array([-1.0] * lost + [1.0] * gained))
    one_sided = chance(max(lost, gained), min(lost, gained))
    assert two_sided == pytest.approx(min(1.0, 2 * one_sided))
    assert chance(0, gained) == 1.0


# ---- questions whose pair stands unchanged


def crowded(folder: Path, faq: str | None = None) -> Snapshot:
    """A garden in which four notes repeat a question, without an answer."""
    notes = {f"note-{n}": "What babo bumi? What babo bumi?\n" for n in range(4)}
    return snapshot_of(folder, **texts(faq=faq), **notes)


def test_without_canaries_unchanged_pairs_must_answer_their_questions(
    before: Snapshot, tmp_path: Path
) -> None:
    assert judge(before, crowded(tmp_path), ENCODER).reasons == (
        "of 19 FAQ questions whose pair has not changed, 19 were answered by it before and 18 now; "
        "lost: 'What babo bumi?': see what `rag ask` returns for them",
    )


def test_an_index_that_abstains_from_what_it_finds_is_refused(before: Snapshot) -> None:
    blank = replace(before.tokens, vectors=np.zeros_like(before.tokens.vectors))
    found = judge(before, replace(before, tokens=blank), ENCODER)
    assert "19 were answered by it before and 0 now" in found.reasons[-1]


def test_a_pair_that_has_changed_is_no_canary(before: Snapshot, tmp_path: Path) -> None:
    corpus(tmp_path, **{f"note-{n}": "What babo bumi? What babo bumi?\n" for n in range(4)})
    changed = garden(tmp_path, faq=LETTERS[1:], more="Q: What babo bumi?\nA: Bone.\n")
    assert judge(before, changed, ENCODER).passed


def test_pairs_that_are_left_out_of_the_index_are_no_canaries(
    before: Snapshot, tmp_path: Path
) -> None:
    folder = corpus(tmp_path, **texts())
    without = build_snapshot([folder], ENCODER, faq="without")
    found = judge(before, without, ENCODER)
    assert (found.figures, found.reasons) == (
        BEST,
        (),
    )


def test_the_same_snapshots_give_the_same_outcome_in_plain_values(
    before: Snapshot, tmp_path: Path
) -> None:
    after = garden(tmp_path, empty="bcdfg")
    found = judge(before, after, ENCODER)
    assert found == judge(before, after, ENCODER)
    assert json.loads(json.dumps(found.to_json())) == {
        "passed": False,
        "figures": found.figures,
        "reasons": list(found.reasons),
        "notes": [],
    }
    assert (
        str(found)
        == f"gate overruled (hit@1 0.7368, hit@3 0.7368, MRR 0.7368, n 19): {found.remark}"
    )


def test_the_sample_corpus_loses_its_answers_with_its_sections(tmp_path: Path) -> None:
    """With the bundled model: 8 questions, and the sections that answer most of them emptied."""
    encoder = open_onnx_encoder(bundled_model(), 1)
    text = (CORPUS / "car-t-lupus.md").read_text(encoding="utf-8")
    before = build_snapshot([CORPUS], encoder)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    faq = text[text.index("## FAQ") :]
    emptied = "".join(f"{line}\n\nNothing.\n\n" for line in headings[: headings.index("## FAQ")])
    gone = build_snapshot([corpus(tmp_path, gone=emptied + faq)], encoder)
    found = judge(before, gone, encoder)
    assert found.figures == {"hit@1": 0.0, "hit@3": 0.0, "MRR": 0.0, "n": 8}
    assert found.reasons[-1].startswith("of 8 FAQ questions, 7 find less of their answer")
