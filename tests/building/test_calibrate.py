from pathlib import Path

import numpy as np
import pytest

from rag.answering.confidence import uncalibrated
from rag.building.calibrate import Trial, calibrated, calibration, fit
from rag.index.snapshot import Snapshot
from rag.types import DEFAULT_CAUTION, Caution
from support.builds import build_snapshot
from support.feedback import helpful, missing, wrong
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
    assert calibration([], PUBLIC) == PUBLIC


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
    asked = [[Trial(3.0, True, True), Trial(3.0, False, False)] for _ in range(100)]
    few, many = (calibration(asked[:n], PUBLIC) for n in (8, 100))
    moved = [
        1 / (1 + np.exp(-(each.bias + 3 * each.scale))) - 1 / (1 + np.exp(-(PUBLIC.bias + 3)))
        for each in (few, many)
    ]
    assert -0.05 < moved[0] < 0
    assert moved[1] < 2 * moved[0]
    assert {few.threshold, many.threshold} == {PUBLIC.threshold}


def test_a_few_questions_without_an_answer_stay_unlikely() -> None:
    made = calibration([[Trial(1.0, True, True), Trial(-1.0, False, False)]] * 8, PUBLIC)
    far = -6.0
    assert 1 / (1 + np.exp(-(made.bias + made.scale * far))) < 0.02


def test_feedback_alone_fits_the_confidence(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "")
    given = [
        helpful(snapshot, f"What {letter}abo?", f"{letter}abo {letter}ebo") for letter in "bcd"
    ]
    made = calibrated(snapshot, ENCODER, CAUTION, given).manifest.calibration
    assert made.questions == 3
    assert (made.bias, made.scale) != (PUBLIC.bias, PUBLIC.scale)
    assert made.threshold == PUBLIC.threshold


def test_feedback_counts_beside_the_faq(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "".join(map(answered, TOPICS)))
    given = [helpful(snapshot, "Whence bebo?", "babo bebo bibo"), missing("Why zazo?")]
    made = calibrated(snapshot, ENCODER, CAUTION, given).manifest.calibration
    assert made.questions == 10


def test_the_same_feedback_in_another_order_gives_the_same_fit(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "")
    given = [
        helpful(snapshot, f"What {letter}abo?", f"{letter}abo {letter}ebo") for letter in "bcd"
    ]
    given.append(missing("Why zazo?"))
    forth, back = (
        calibrated(snapshot, ENCODER, CAUTION, each).manifest.calibration
        for each in (given, given[::-1])
    )
    assert forth == back


def test_a_few_questions_called_missing_move_the_confidence_little(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "".join(map(answered, TOPICS)))
    before = calibrated(snapshot, ENCODER, CAUTION).manifest.calibration
    given = [missing(f"Why {letter}abo?") for letter in "bcd"]
    after = calibrated(snapshot, ENCODER, CAUTION, given).manifest.calibration
    assert -0.1 < after.bias - before.bias < 0


def test_questions_without_an_answer_alone_change_nothing(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "")
    made = calibrated(snapshot, ENCODER, CAUTION, [missing("Why babo?")])
    assert made.manifest.calibration == PUBLIC


def test_a_passage_called_wrong_says_nothing_of_the_confidence(tmp_path: Path) -> None:
    snapshot = garden(tmp_path, "")
    made = calibrated(snapshot, ENCODER, CAUTION, [wrong(snapshot, "What babo?", "babo bebo")])
    assert made.manifest.calibration == PUBLIC


def test_the_trials_of_a_build_count_the_same_with_and_without_an_answer() -> None:
    pair = [Trial(1.0, True, True), Trial(-1.0, False, False)]
    doubled = [Trial(1.0, True, True), Trial(-1.0, False, False), Trial(-1.0, False, False)]
    assert calibration([pair], PUBLIC) == calibration([doubled], PUBLIC)
