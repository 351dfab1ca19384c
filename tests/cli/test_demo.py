"""`rag demo` leads a newcomer from a build to a changed citation, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.places import ROOT


def demo(corpus: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rag", "demo"],
        cwd=temporary,
        env={**os.environ, "RAG_CORPUS": str(corpus), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_step_is_said_and_done(tmp_path: Path) -> None:
    done = demo(ROOT / "corpus", tmp_path)
    assert done.returncode == 0, done.stderr
    places = [
        done.stdout.find(words)
        for words in (
            "1. Build.",
            "28 sections, 8 FAQ pairs",
            "2. Ask.",
            "leukapheresis. [1]",
            "3. If the documents do not answer",
            "Not found: chess",
            "4. Verify.",
            "\nvalid ",
            "5. Evaluate.",
            "all together, as served",
            "6. Rebuild.",
            "\nchanged ",
            "With your own documents:",
        )
    ]
    assert -1 not in places and places == sorted(places)
    assert list(tmp_path.iterdir()) == []


def test_without_the_sample_it_says_where_to_run_it(tmp_path: Path) -> None:
    done = demo(tmp_path, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / 'car-t-lupus.md'} is missing: run `rag demo`" in done.stderr
