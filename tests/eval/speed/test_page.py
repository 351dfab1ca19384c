"""docs/performance.md says what the committed results say."""

import json
from pathlib import Path

import pytest

from eval.speed.page import PAGE, one_over, page_of
from support.places import ROOT


def test_the_page_is_what_the_command_writes() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == page_of(ROOT / "eval" / "results"), "run `python -m eval.speed page`"


@pytest.mark.parametrize(("value", "said"), [(8.13, "8.1"), (1.0, "1.0"), (0.125, "1/8.0")])
def test_a_share_is_one_over_its_inverse(value: float, said: str) -> None:
    assert one_over(value) == said


def test_a_part_without_results_names_its_command(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    assert page.count("Not measured yet: `python -m eval.speed ") == 8


def test_a_part_with_results_is_a_table_and_says_where_it_was_measured(tmp_path: Path) -> None:
    machine = {"cores": 4, "processor": "a processor"}
    made = {"machine": machine, "commit": "0123456789abcdef", "command": "it"}
    searches = {"bm25s alone": {"questions_per_second": 900.4, "ndcg": 0.25}}
    rows = {"one text": {"operations": "1.5e9", "share": 0.5}}
    fast = {"passages_per_second": 125, "times_default": 2.5, "query_ms": 2}
    parts = {
        "encoding": {"encoders": {"onnx": fast}},
        "anchors": {"collection": "tiny", "searches": searches},
        "limits": {"rows": rows},
    }
    for name, found in parts.items():
        path = tmp_path / f"speed-{name}.json"
        path.write_text(json.dumps(made | found), encoding="utf-8")
    page = page_of(tmp_path)
    assert "| bm25s alone | 900 |" in page
    assert "| onnx | 125 | 2.5 | 2.0 |" in page
    assert "`it` at 012345678, 4 cores of a processor." in page
    assert "| one text | 1.5e9 | 0.5 |" in page


def test_a_device_that_was_measured_is_named_with_what_was_checked(tmp_path: Path) -> None:
    fast = {"passages_per_second": 5000, "times_default": 60, "query_ms": 2}
    device = {"encoder": "Card", "same_bits": False, "least_cosine": 0.9999996}
    made = {"machine": {"cores": 4, "processor": "a"}, "commit": "0" * 40, "command": "it"}
    outcome = made | {"encoders": {"Card": fast}, "device": device}
    (tmp_path / "speed-encoding.json").write_text(json.dumps(outcome), encoding="utf-8")
    page = page_of(tmp_path)
    assert "| Card | 5000 | 60.0 | 2.0 |" in page
    assert "By Card a text has other bits in other company; its cosine to" in page


def test_rows_of_other_commits_are_named(tmp_path: Path) -> None:
    times = {"p50": 1, "p95": 2}
    row = {
        **dict.fromkeys(("build_seconds", "passages_per_second", "encoder_share"), 1),
        **dict.fromkeys(("build_peak_bytes", "disk_bytes", "open_seconds", "recall", "ndcg"), 1),
        **{"memory_asked": {"resident": 1}, "search_ms": times, "answer_ms": times},
    }
    outcome = {
        "machine": {"cores": 4, "processor": "a processor"},
        **{"commit": "0123456789abcdef", "command": "it"},
        "changed": [
            {"files": 5000, "ratio": 0.125, "commit": "0123456789abcdef"},
            {"files": 20_000, "ratio": 0.0625, "commit": "fedcba9876543210"},
        ],
        "rows": [
            row | {"passages": 1000, "commit": "0123456789abcdef"},
            row | {"passages": 1_000_000, "commit": "fedcba9876543210"},
        ],
    }
    (tmp_path / "speed-scale.json").write_text(json.dumps(outcome), encoding="utf-8")
    page = page_of(tmp_path)
    assert "Measured earlier: 1,000,000 passages at fedcba987, 20,000 files at fedcba987.\n" in page
    assert "1/8.0 for 5,000 files and 1/16.0 for 20,000 files" in page
