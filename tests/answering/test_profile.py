from dataclasses import replace

import pytest

from rag.answering.confidence import uncalibrated
from rag.answering.profile import profile_of
from rag.index.manifest import ModelInfo
from rag.types import MAX_RISK, Caution
from support.models import BUNDLED, OTHER


def test_the_bundled_model_and_its_head_have_a_profile_of_their_own() -> None:
    assert profile_of(BUNDLED).model == BUNDLED.name
    assert str(profile_of(BUNDLED)) == "fitted to this model"


@pytest.mark.parametrize("model", [OTHER, replace(BUNDLED, head_sha256="")])
def test_another_model_or_head_gets_a_profile_that_says_it_is_generic(model: ModelInfo) -> None:
    assert profile_of(model) == profile_of(OTHER)
    assert str(profile_of(model)).startswith("generic: ")


def test_a_profile_has_a_threshold_for_every_risk_that_a_setting_allows() -> None:
    for model in (BUNDLED, OTHER):
        risks, thresholds = zip(*profile_of(model).thresholds, strict=True)
        assert (risks[0], risks[-1]) == (0.05, MAX_RISK)
        assert list(risks) == sorted(risks)
        assert list(thresholds) == sorted(thresholds, reverse=True)
        assert (
            uncalibrated(model, Caution(0.1, 0.5)).threshold
            == dict(profile_of(model).thresholds)[0.1]
        )
