"""Whatever is made to harm a build costs itself alone: it has its verdict, and the rest is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import offline
import pytest

from rag.documents.corpus import ReadOptions, read_corpus
from rag.documents.sandbox import Cage
from support.hostile_folder import FILES, NAMES, SLOW, SOUND, write_hostile, write_places

NO_TEXT, LIMIT, READ = "no_text: ", "parse_limit: ", ""
VERDICTS = {
    "cycle.pdf": "text_lost: pages 1, 2, 3",
    "count.pdf": NO_TEXT,
    "form.pdf": "no_text_layer: page 1 is without text",
    "outline.pdf": NO_TEXT,
    "half.pdf": "corrupt: ",
    "tail.pdf": READ,
    "loop.pdf": READ,
    "locked.pdf": "encrypted: ",
    "open.pdf": READ,
    "surrogates.pdf": READ,
    "script.pdf": READ,
    "text.docx": LIMIT,
    "paragraphs.docx": LIMIT,
    "deep.docx": LIMIT,
    "tables.docx": NO_TEXT,
    "laughs.docx": "doctype: ",
    "styles.docx": READ,
    "not-a-zip.docx": "type_mismatch: ",
    "half.docx": "corrupt: ",
    "locked.docx": "encrypted: ",
    "liar.docx": "corrupt: ",
    "entries.docx": LIMIT,
    "entity.docx": "doctype: ",
    "declared.docx": "doctype: ",
    "climb.docx": READ,
    "twice.docx": READ,
    "remote.docx": READ,
    "sheet.docx": "corrupt: ",
    "bomb.xlsx": LIMIT,
    "bomb.epub": LIMIT,
    "unclosed.html": NO_TEXT,
    "comments.html": NO_TEXT,
    "deep.html": READ,
    "items.html": READ,
    "tables.html": READ,
    "attributes.html": READ,
    "cdata.html": NO_TEXT,
    "active.html": READ,
    "lies.html": READ,
    "utf7.html": READ,
    "wide.html": READ,
    "numbers.html": READ,
    "line.html": READ,
    "shown.html": READ,
    "quotes.csv": READ,
    "field.csv": READ,
    "nul.csv": "not_text: ",
    "nested.eml": LIMIT,
    "bullets.rst": LIMIT,
    "roles.rst": NO_TEXT,
    "bytes.txt": READ,
    "unbroken.txt": READ,
    "stops.txt": READ,
    "cjk.txt": READ,
    "spaces.txt": READ,
    "marks.txt": READ,
    "ligature.txt": READ,
    "tags.txt": READ,
    "repeated.txt": READ,
    "unknown.txt": READ,
    "brackets.md": READ,
    "quotes.md": READ,
    "fetch.md": READ,
    "deep.jsonl": "bad_lines: line 1: not JSON",
    "digits.jsonl": "bad_lines: line 1: not JSON",
    "nan.jsonl": READ,
    "keys.jsonl": READ,
    "surrogate.jsonl": "bad_lines: line 1: `text` holds half a surrogate pair",
    "empty.md": "empty: ",
    "blank.md": "no_text: ",
    "pdf.txt": "corrupt: ",
    "login.pdf": "type_mismatch: ",
    "elf.txt": "unsupported: ",
    "pickle.txt": "not_text: ",
    "office.txt": "unsupported: ",
}
SLOW_VERDICTS = {
    "bomb.pdf": "parse_crashed: ",
    "bombs.pdf": NO_TEXT,
    "operators.pdf": READ,
    "paths.pdf": "no_text_layer: ",
    "pages.pdf": NO_TEXT,
    "cells.csv": READ,
    "parts.eml": "attachments: ",
    "titles.rst": READ,
}
PLACES = {
    "shadow.txt": "symlink: a link that leaves",
    "zero.txt": "symlink: a link that leaves",
    "loop.md": "symlink: a link that leads back",
    "nothing.md": "symlink: a link to nothing",
    "up": "symlink: a link to a folder",
    "pipe.md": "not_regular: ",
    "socket.md": "not_regular: ",
    "sparse.txt": "too_large: ",
    "unknown.xyz": "unsupported: ",
}


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage() as cage:
        yield cage


def read(cage: Cage, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The texts that were read, and the reasons of what was skipped, by name."""
    corpus = read_corpus([folder], options=ReadOptions(cage.each))
    texts = {
        each.document.source.partition(":")[0]: each.document.text for each in corpus.documents
    }
    lost = {each.id: "; ".join(str(r) for r in each.remarks if r.is_loss) for each in corpus.files}
    return texts, {name: why for name, why in lost.items() if why}


def wrong(cage: Cage, folder: Path, verdicts: dict[str, str]) -> dict[str, str]:
    """The files that have another verdict, with what they have."""
    texts, skipped = read(cage, folder)
    return {
        name: skipped.get(name, "read" if name in texts else "nothing")
        for name, verdict in verdicts.items()
        if (verdict not in skipped.get(name, "")) or (verdict == READ and name in skipped)
    }


def test_every_file_of_the_catalogue_has_a_verdict() -> None:
    assert {*VERDICTS, *SLOW_VERDICTS} == set(FILES)
    assert set(SLOW_VERDICTS) == SLOW


def test_quick_files_have_their_verdicts_and_the_others_are_read(
    cage: Cage, tmp_path: Path
) -> None:
    write_hostile(tmp_path, VERDICTS)
    (tmp_path / "sound.md").write_text(SOUND)
    assert wrong(cage, tmp_path, {**VERDICTS, "sound.md": READ}) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW_VERDICTS)
def test_a_slow_file_has_its_verdict_in_time(cage: Cage, tmp_path: Path, name: str) -> None:
    write_hostile(tmp_path, [name])
    (tmp_path / "sound.md").write_text(SOUND)
    # The cage itself ends what takes 20 s of the processor, with another verdict.
    assert wrong(cage, tmp_path, {name: SLOW_VERDICTS[name], "sound.md": READ}) == {}


def test_what_stands_in_a_folder_and_is_no_file_is_skipped(cage: Cage, tmp_path: Path) -> None:
    write_places(tmp_path)
    texts, skipped = read(cage, tmp_path)
    assert {name: skipped[name] for name in PLACES if PLACES[name] not in skipped[name]} == {}
    assert {"/".join(["d"] * 300) + "/deep.md", "linked.md", f"{'n' * 252}.md"} <= set(texts)
    assert set(NAMES) <= set(texts)
    (odd,) = set(skipped) - set(PLACES)
    assert skipped[odd].startswith("bad_name: ")


def test_hidden_tricks_leave_the_words_that_are_seen(cage: Cage, tmp_path: Path) -> None:
    names = ("active.html", "shown.html", "twice.docx", "numbers.html", "surrogates.pdf")
    write_hostile(tmp_path, names)
    texts, _ = read(cage, tmp_path)
    assert texts == {
        "active.html": "Words.",
        "shown.html": "Words.",
        "twice.docx": "Text.",
        "numbers.html": "a\ufffdb\ufffdc\ufffdd",
        "surrogates.pdf": "\ufffdb",
    }


@pytest.mark.slow
@pytest.mark.skipif(bool(offline.missing()), reason=offline.missing() or "has all")
def test_a_build_of_it_all_reads_writes_and_connects_nowhere_else(tmp_path: Path) -> None:
    for part in ("scratch", "home", "tmp", "corpus"):
        (tmp_path / part).mkdir()
    corpus, index = tmp_path / "corpus", tmp_path / "scratch" / "index"
    write_hostile(corpus, set(VERDICTS) - {"stops.txt", "line.html", "unbroken.txt", "cjk.txt"})
    write_places(corpus)
    rag = [sys.executable, "-c", "from rag.cli.main import main; main()"]
    found = offline.traced([*rag, "build", str(corpus), "--index", str(index)], tmp_path)
    assert (index / "CURRENT").exists(), found.output
    assert found.lookups + found.connections == []
    assert offline.outside(found, tmp_path) == []
    assert "/etc/shadow" not in (tmp_path / "trace").read_text(errors="replace")
