"""The peers, in environments of their own. txtai: the same model, the same texts, its own server.

FAISS finds and BM25 joins it (`hybrid`), the texts are kept (`content`), and its FastAPI server
runs on uvicorn with uvloop and httptools, as `uvicorn[standard]` installs them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from pathlib import Path

from eval.speed.load import get
from eval.speed.servers import ServerCommand, environment
from rag.encoders import bundled_model
from rag.types.errors import UsageError

PEER = Path(".peer")
TXTAI = "txtai[api]==9.14.0"
TANTIVY = "tantivy==0.27.0"
UVICORN = ("uvicorn", "uvloop", "httptools")
TORCH = "torch==2.13.0"
INDEXER = Path(__file__).with_name("txtai_index.py")


def installed(folder: Path = PEER) -> Path:
    """The Python of txtai's environment, which is made if it is missing: minutes, 1.3 GB, once."""
    return environment_with(TXTAI, folder, _install_txtai)


def tantivy_installed(folder: Path = Path(".peer-tantivy")) -> Path:
    """The Python of tantivy's environment, which is made if it is missing."""
    return environment_with(TANTIVY, folder, lambda python: _install(python, TANTIVY))


def environment_with(package: str, folder: Path, install: Callable[[Path], None]) -> Path:
    """The Python of an environment with that package, which is made once."""
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.is_file() or ready.read_text(encoding="utf-8") != package:
        print(f"installing {package} into {folder}: once", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        install(python)
        ready.write_text(package, encoding="utf-8")
    return python.absolute()


def peer_index(python: Path, texts: Iterable[tuple[str, str]], folder: Path) -> Path:
    """The settings file of a txtai index of the texts by id, which is made in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / "texts.jsonl"
    with rows.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": id, "text": text}) + "\n" for id, text in texts)
    index, model = (folder / "index").absolute(), bundled_model().folder
    _run([str(python), str(INDEXER), str(model), str(rows), str(index)])
    settings = folder / "txtai.yml"
    content = f"path: {index}\nwritable: false\nembeddings:\n  path: {model}\n"
    settings.write_text(content, encoding="utf-8")
    return settings.absolute()


def peer_server(python: Path, settings: Path, top_k: int) -> ServerCommand:
    """txtai's own server, asked for so many passages a question."""
    uvicorn = [str(python), "-m", "uvicorn", "txtai.api:app", "--no-access-log", "--port"]
    return ServerCommand(
        "txtai",
        lambda port: [*uvicorn, str(port)],
        lambda question: get("/search", query=question, limit=str(top_k)),
        environment(CONFIG=str(settings), HF_HUB_OFFLINE="1"),
    )


def _install_txtai(python: Path) -> None:
    # torch comes first and alone, built for CPUs: pip would choose the build for CUDA.
    _install_torch(python)
    _install(python, TXTAI, TORCH, *UVICORN)


def _install(python: Path, *packages: str) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--quiet", "--only-binary", ":all:"]
    _run([*pip, *packages])


def _install_torch(python: Path) -> None:
    ways = (
        [str(python), "-m", "pip", "install", "-qq", "--no-index", "--no-deps", TORCH],
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)),
            *("--no-deps", "--torch-backend", "cpu", TORCH),
        ],
    )
    if not any(
        subprocess.run(way, capture_output=True, check=False).returncode == 0 for way in ways
    ):
        raise UsageError(
            f"no CPU build of {TORCH} was found: put its wheel in a folder and set "
            "PIP_FIND_LINKS to that folder"
        )


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"`{' '.join(command[:6])} ...` failed: {done.stderr.strip()[-800:]}")
