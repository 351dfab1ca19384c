from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.documents import language
from rag.documents.corpus import read_corpus
from rag.documents.language import language_of
from support.places import ROOT

ENGLISH = "The library is open from nine to six, and books may be kept for four weeks."
PLAIN = f"{ENGLISH} A fee is due for each day that they are late, but not for those that are lost."
GERMAN = "Die Bibliothek ist von neun bis sechs geöffnet, Bücher darf man vier Wochen behalten."
OTHER = "Wer ein Buch verloren hat, ersetzt den Preis; die Gebühr richtet sich nach dem Alter."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("La bibliothèque est ouverte de neuf à six heures et prête des livres.", "fr"),
        ("Библиотека открыта с девяти до шести, книги выдаются на четыре недели.", "ru"),
        (
            "図書館は九時から六時まで開いていて、本は四週間まで借りることができます。返却は一階の窓口です。",
            "ja",
        ),
    ],
)
def test_the_language_of_a_text_is_told(text: str, code: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (PLAIN, False),
        # Few different stop words; a third, or some letters, in another language.
        ("The library of the town is the pride of the town, of the county, of the land.", True),
        (f"{PLAIN} {GERMAN}", True),
        (f"{PLAIN} 図書館は九時から", True),
    ],
)
def test_plain_english_is_told_without_the_detector(
    text: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "detected", lambda text: "asked")
    assert language_of(text) == ("asked" if asked else "en")


def test_a_text_with_an_english_abstract_has_its_own_language() -> None:
    text = " ".join([ENGLISH, GERMAN, OTHER, GERMAN, OTHER])
    assert language_of(text) == "de"


def test_plain_english_loads_no_detector() -> None:
    code = f"""
import sys
from rag.documents.language import language_of
print(language_of({PLAIN!r}), "py3langid" in sys.modules)
print(language_of({GERMAN!r}), "py3langid" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "en False\nde True\n"


@pytest.mark.parametrize("text", ["", "Books", "INDIAN | 2,550 | 0.4%", "12 345\n" * 50])
def test_a_text_that_does_not_tell_has_no_language(text: str) -> None:
    assert language_of(text) is None


def test_a_declared_language_counts_and_any_other_is_detected(tmp_path: Path) -> None:
    (tmp_path / "declared.md").write_text(f"---\nlang: nl\n---\n{GERMAN}\n")
    (tmp_path / "detected.txt").write_text(GERMAN)
    (tmp_path / "short.txt").write_text("Bücher")
    found = [parsed.document.language for parsed in read_corpus([tmp_path]).documents]
    assert found == ["nl", "de", None]


def test_without_space_for_the_model_the_build_says_so_and_the_next_one_works() -> None:
    """By a process of its own: this one may have loaded the model."""
    code = (
        "from rag.documents.language import language_of; from rag.types.errors import RagError\n"
        "from support.full_disk import full_from\n"
        "try:\n"
        "    with full_from(1 << 16):\n"
        f"        language_of({GERMAN!r})\n"
        "except RagError as error:\n"
        "    print(error)\n"
        f"print(language_of({GERMAN!r}))\n"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    refusal, language = done.stdout.splitlines()
    assert refusal.endswith("free some space, or set TMPDIR") and language == "de"
