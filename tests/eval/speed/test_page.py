"""docs/performance.md says what the committed results say."""

import pytest

from eval.speed.page import PAGE, one_over, page_of
from support.places import ROOT


def test_the_page_is_what_the_command_writes() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == page_of(ROOT / "eval" / "results"), "run `python -m eval.speed page`"


@pytest.mark.parametrize(("value", "said"), [(8.13, "8.1"), (1.0, "1.0"), (0.125, "1/8.0")])
def test_a_share_is_one_over_its_inverse(value: float, said: str) -> None:
    assert one_over(value) == said
