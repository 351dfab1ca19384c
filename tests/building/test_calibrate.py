from pathlib import Path

import numpy as np
import pytest

from rag.answering.confidence import uncalibrated
from rag.building.calibrate import Trial, calibrated, calibration, fit
from rag.index.snapshot import Snapshot
from rag.types import DEFAULT_CAUTION, Caution
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder, corpus, snapshot_of
from support.models import OTHER

ENCODER = LetterEncoder()
CAUTION = Caution(risk=0.1)
PUBLIC = uncalibrated(OTHER, CAUTION)
# Each topic has words of its own, so that only its section holds the answer.
TOPICS = "bcdfghjk"


def section(letter: str) -> str:
    return f"## {letter}ome\n\n{letter}abo {letter}ebo {letter}ibo {letter}obo {letter}ubo.\n\n"


def pair(letter: str, answer: str) -> str:
    return f"### What {letter}abo?\n\n{answer}\n\n"


def answered(letter: str) -> str:
    return pair(letter, f"{letter}abo {letter}ebo {letter}ibo {letter}obo {letter}ubo.")


def garden(folder: Path, faq: str) -> Snapshot:
    return snapshot_of(folder, garden=f"# Z\n\n{''.join(map(section, TOPICS))}## FAQ\n\n{faq}")


def test_without_cases_it_is_that_of_the_public_sets() -> None:
    assert calibration([], 0, PUBLIC) == PUBLIC


def test_between_risks_the_threshold_lies_between() -> None:
    low, middle, high = (uncalibrated(OTHER, Caution(risk)).threshold for risk in (0.15, 0.17, 0.2))
    assert low > middle > high


def test_a_fit_without_data_stays_at_its_prior_and_a_wide_prior_gives_way() -> None:
    assert fit(np.zeros(0), np.zeros(0), 1.0, 0.5) == (0.0, 1.0)
    generator = np.random.default_rng(0)
    odds = generator.normal(size=20_000)
    right = generator.random(20_000) < 1 / (1 + np.exp(-(0.7 + 2 * odds)))
    assert fit(odds, right.astype(float), 10, 10) == pytest.approx((0.7, 2.0), abs=0.1)
    shift, scale = fit(odds, right.astype(float), 1e-4, 1e-4)
    assert (shift, scale) == pytest.approx((0.0, 1.0), abs=0.01)


def test_each_supported_question_counts_once(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "".join(map(answered, TOPICS)))
    made = calibrated(snapshot, ENCODER, CAUTION).manifest.calibration
    assert (made.questions, made.risk) == (8, 0.1)
    assert made.scale != 1


def test_answers_that_stand_nowhere_else_say_nothing_of_the_rest(tmp_path: Path) -> None:
    elsewhere = "".join(pair(letter, "Quux quuz quuy.") for letter in TOPICS[:5])
    snapshot = garden(tmp_path, elsewhere + "".join(map(answered, TOPICS[5:])))
    assert snapshot.manifest.calibration == uncalibrated(OTHER, DEFAULT_CAUTION)


@pytest.mark.parametrize("faq", ["without", "answers"])
def test_an_index_without_its_faq_is_not_calibrated_by_it(tmp_path: Path, faq: str) -> None:
    text = f"# Z\n\n{''.join(map(section, TOPICS))}## FAQ\n\n{''.join(map(answered, TOPICS))}"
    made = build_snapshot([corpus(tmp_path, garden=text)], ENCODER, faq=faq, caution=CAUTION)
    assert made.manifest.calibration == PUBLIC


def test_nothing_but_an_faq_is_not_calibrated(tmp_path: Path) -> None:
    made = snapshot_of(tmp_path, faq=f"# FAQ\n\n{''.join(map(answered, TOPICS))}")
    assert made.manifest.calibration == uncalibrated(OTHER, DEFAULT_CAUTION)


def test_a_handful_of_questions_moves_the_confidence_little_and_many_further() -> None:
    # Half of those that look answered are not.
    cases = [Trial(3.0, at % 2 == 0) for at in range(200)]
    few, many = (calibration(cases[:n], n // 2, PUBLIC) for n in (16, 200))
    moved = [
        1 / (1 + np.exp(-(each.bias + 3 * each.scale))) - 1 / (1 + np.exp(-(PUBLIC.bias + 3)))
        for each in (few, many)
    ]
    assert -0.05 < moved[0] < 0
    assert moved[1] < 2 * moved[0]
    assert {few.threshold, many.threshold} == {PUBLIC.threshold}


def test_a_few_questions_without_an_answer_stay_unlikely() -> None:
    cases = [Trial(1.0, True)] * 8 + [Trial(-1.0, False)] * 8
    made = calibration(cases, 8, PUBLIC)
    far = -6.0
    assert 1 / (1 + np.exp(-(made.bias + made.scale * far))) < 0.02
