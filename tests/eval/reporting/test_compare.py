"""Comparing runs: a regression is seen, a run against itself is not, others are refused."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.reporting.compare import contrast
from eval.running.result import write_figures, write_result
from rag.types.errors import UsageError
from support.eval_results import result_of


def saved(folder: Path, values: Mapping[str, list[float]], name: str = "r") -> str:
    return str(write_result(folder, result_of(values, name))[0])


def test_a_planted_regression_is_called_worse(tmp_path: Path) -> None:
    base = np.random.default_rng(1).uniform(0.5, 1, 40).tolist()
    a = saved(tmp_path, {"all": base}, "a")
    b = saved(tmp_path, {"all": [value - 0.2 for value in base]}, "b")
    said = contrast(a, b, "nDCG@10")
    assert said.startswith("B is worse than A: nDCG@10 differs by -0.200 (95% interval -0.200 to")
    assert "p = 0.000, 40 questions" in said
    assert said.count("lost: Question") == 10
    assert "lost: 30 more" in said


def test_noise_is_not_called_a_difference(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    a = saved(tmp_path, {"all": generator.uniform(0.4, 0.9, 40).tolist()}, "a")
    b = saved(tmp_path, {"all": generator.uniform(0.4, 0.9, 40).tolist()}, "b")
    said = contrast(a, b, "nDCG@10")
    assert said.startswith("No difference shown between A and B")
    assert "would mostly go unseen on this set" in said


def test_two_rows_of_one_file_are_held_against_each_other(tmp_path: Path) -> None:
    path = saved(tmp_path, {"dense": [0.0] * 8, "all": [1.0] * 8})
    said = contrast(f"{path}#dense", path, "Success@1")
    assert said.startswith("all is better than dense: Success@1 differs by +1.000")
    assert "all is ahead on 8 questions, behind on 0, level on 0." in said


def test_a_run_against_itself_shows_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, {"all": [0.5, 1.0]})
    assert contrast(path, path, "nDCG@10") == (
        "No difference shown between A and B: nDCG@10 differs by +0.000 (95% interval +0.000 to "
        "+0.000, p = 1.000, 2 questions). B is ahead on 0 questions, behind on 0, level on 2."
    )


def test_runs_that_were_not_asked_the_same_are_refused(tmp_path: Path) -> None:
    a, b = saved(tmp_path, {"all": [1.0]}, "a"), saved(tmp_path, {"all": [1.0, 0.0]}, "b")
    with pytest.raises(UsageError, match=r"not asked the same: 1 questions .* first q001"):
        contrast(a, b, "nDCG@10")


@pytest.mark.parametrize(
    ("reference", "measure", "group", "message"),
    [
        ("#late", "nDCG@10", None, "has no system late: it has all"),
        ("", "MAP", None, "has no MAP: it has nDCG@10"),
        ("", "nDCG@10", "written", "has no group written: it has faq"),
    ],
)
def test_what_a_result_has_not_is_named(
    tmp_path: Path, reference: str, measure: str, group: str | None, message: str
) -> None:
    path = saved(tmp_path, {"all": [1.0]})
    with pytest.raises(UsageError, match=message):
        contrast(path + reference, path, measure, group)


def test_the_order_of_questions_does_not_matter(tmp_path: Path) -> None:
    first = result_of({"dense": [0.0, 1.0], "all": [1.0, 1.0]})
    (group,) = first.groups
    turned = replace(first, name="t", groups=[replace(group, questions=group.questions[::-1])])
    path = str(write_result(tmp_path, turned)[0])
    assert "won: Question 0?" in contrast(f"{path}#dense", path, "nDCG@10")


def test_figures_without_questions_cannot_be_compared(tmp_path: Path) -> None:
    whole = replace(result_of({"all": [1.0]}), facts={"command": "rag eval run"})
    path = str(write_figures(tmp_path, whole))
    with pytest.raises(UsageError, match="figures alone: run `rag eval run` again"):
        contrast(path, path, "nDCG@10")
