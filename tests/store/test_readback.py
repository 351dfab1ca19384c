import subprocess
import sys
from pathlib import Path

import pytest

from rag.store.readback import in_child, main
from rag.store.versions import current_id
from rag.types.errors import CorruptIndex
from support.snapshots import FIRST, SECOND, published


def test_a_child_process_reads_back_what_was_written(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST, verify=in_child)
    in_child(index, id)
    (index / id / "dense.faiss").write_bytes(b"")
    with pytest.raises(CorruptIndex, match=r"dense\.faiss is damaged"):
        in_child(index, id)


def test_the_child_imports_what_this_process_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    in_child(tmp_path / "index", "id", "import only_here")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os; os.kill(os.getpid(), 11)", r"ended with -11 \(\)"),
        ("raise ValueError('no more')", r"ended with 1 \(ValueError: no more\)"),
        ("import time; time.sleep(60)", "could not be read back in 0.3 seconds"),
    ],
)
def test_a_child_that_dies_or_hangs_refuses_the_snapshot(
    tmp_path: Path, code: str, says: str
) -> None:
    def verify(index: Path, id: str) -> None:
        in_child(index, id, code, seconds=0.3 if "sleep" in code else 60)

    index = tmp_path / "index"
    old = published(index, FIRST)
    with pytest.raises(CorruptIndex, match=says):
        published(index, SECOND, verify=verify)
    assert current_id(index) == old


def test_the_child_tells_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    assert main([str(index), id]) == 0
    assert main([str(index), "0" * 12]) == 5
    assert capsys.readouterr().out.startswith(f"{index / ('0' * 12)} cannot be read")


def test_the_child_imports_no_more_than_it_needs() -> None:
    """A third of a second each would be most of a small rebuild."""
    heavy = "{'scipy', 'bm25s', 'onnxruntime', 'pydantic', 'typer', 'tokenizers'}"
    code = f"import sys, rag.store.readback; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
