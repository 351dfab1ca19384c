"""`make torture`: a real index, damaged in every way, one file at a time."""

import time
from collections import Counter
from pathlib import Path

from rag.encoders.open import open_encoder
from rag.store.open import open_newest
from rag.store.versions import current_id
from support.damage import apply, damages
from support.places import ROOT
from support.sample_index import published
from support.torture_figures import write_figures

CORPUS = ROOT / "corpus"
KINDS = ("flip", "hole", "cut", "missing", "empty", "longer", "swap")


def test_damage(tmp_path: Path) -> None:
    encoder, index = open_encoder("bundled", "onnx", 1), tmp_path / "index"
    (tmp_path / "other.md").write_text("# Other\n\nAnother text altogether.\n")
    before, current = (
        published(index, path, encoder).id for path in (tmp_path / "other.md", CORPUS)
    )
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    seconds = []
    for damage in damages(index / current, index / before, flips=800, holes=200, cuts=200):
        whole = apply(damage, index / current)
        started = time.perf_counter()
        opened = open_newest(index, encoder)
        seconds.append(time.perf_counter() - started)
        named = str(index / current / damage.name) in "".join(opened.refused)
        done[damage.kind] += 1
        refused[damage.kind] += opened.snapshot.id == before and named
        (index / current / damage.name).write_bytes(whole)
    write_figures(
        "damage",
        **{kind: f"{refused[kind]} of {done[kind]}" for kind in KINDS},
        done=done.total(),
        refused=refused.total(),
        median_ms=round(1000 * sorted(seconds)[len(seconds) // 2], 1),
    )
    assert refused == done
    assert current_id(index) == open_newest(index, encoder).snapshot.id == current
