"""CURRENT, VERSIONS and the manifest, tampered with: no command shows a traceback or hangs."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.building.origin import Origin
from rag.building.rebuild import rebuild
from rag.checks.doctor import examine
from rag.index.manifest import id_of, parse_manifest
from rag.serving.live import IndexFolder
from rag.store.open import load_snapshot, open_newest, read_manifest
from rag.store.publish import roll_back, sweep_if_idle
from rag.store.readback import in_process
from rag.store.versions import current_id, list_versions
from rag.types.errors import CorruptIndex, RagError
from support.snapshots import ENCODER, FIRST, SECOND, published

WORDS = (
    b"",
    b"\0",
    b"\xff",
    b"[" * 5000,
    b"9" * 400,
    b"1e999",
    b"NaN",
    b"null",
    b"-1",
    b"\n",
    b'"',
)
VALUES: tuple[Any, ...] = (None, True, -1, 1.5, 10**30, 10**400, "", "\0", "../x", [], {}, [[1]])


def test_what_is_only_listed_is_loaded_without_comparing_checksums(tmp_path: Path) -> None:
    id = published(tmp_path, FIRST)
    vectors = tmp_path / id / "tokens.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"~")
    assert [*load_snapshot(tmp_path, id, at_once=0).documents]
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, id)


def mutants(raw: bytes, number: int) -> Iterator[bytes]:
    """The content with a part of it replaced, cut out or repeated, by a seeded chance."""
    dice = random.Random(7)
    for _ in range(number):
        start, end = sorted(dice.randrange(len(raw) + 1) for _ in range(2))
        middle = dice.choice([*WORDS, raw[start:end] * 2, bytes(dice.randbytes(4))])
        yield raw[:start] + middle + raw[min(end, start + dice.choice([0, 1, 4, 1000])) :]


def fields(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every value in a JSON object."""
    for name, each in value.items():
        yield (*place, name)
        if isinstance(each, dict):
            yield from fields(each, (*place, name))


def changed(value: Any, place: tuple[str, ...], to: Any) -> Any:
    """The object with another value at that place."""
    first, *rest = place
    return {**value, first: changed(value[first], tuple(rest), to) if rest else to}


def served(index: Path) -> object:
    folder = IndexFolder(index, lambda: ENCODER)
    return folder.open().ask("green")


def back(index: Path) -> object:
    return roll_back(index, ENCODER, verify=in_process)


COMMANDS: dict[str, Callable[[Path], object]] = {
    "ask": lambda index: open_newest(index, ENCODER),
    "info": read_manifest,
    "versions": lambda index: list(map(str, list_versions(index))),
    "doctor": lambda index: examine(index, lambda: ENCODER),
    "serve": served,
    "start": sweep_if_idle,
    "rollback": back,
    "build": lambda index: rebuild(index, Origin((index.parent / "corpus",), "with"), ENCODER),
}


def attempt(command: str, index: Path, scratch: Path) -> None:
    """Runs a command on a copy of the index; RagError is fine, another error is not."""
    shutil.copytree(index, scratch)
    try:
        COMMANDS[command](scratch)
    except RagError as error:
        assert str(error)
    shutil.rmtree(scratch)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two snapshots."""
    index = tmp_path_factory.mktemp("tampering") / "index"
    for text in (FIRST, SECOND):
        published(index, text)
    return index


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["CURRENT", "VERSIONS"])
def test_no_content_of_the_pointers_is_too_much_for_a_command(
    index: Path, command: str, name: str
) -> None:
    whole = (index / name).read_bytes()
    try:
        for mutant in mutants(whole, 25):
            (index / name).write_bytes(mutant)
            attempt(command, index, index.parent / "scratch")
    finally:
        (index / name).write_bytes(whole)


@pytest.mark.parametrize("command", ["ask", "info", "doctor", "serve", "rollback", "build"])
def test_no_manifest_is_too_much_for_a_command(index: Path, tmp_path: Path, command: str) -> None:
    whole = (index / current_id(index) / "manifest.json").read_bytes()
    for mutant in mutants(whole, 25):
        attempt(command, forged(index, tmp_path / "forged", mutant), tmp_path / "scratch")


def test_no_field_of_a_manifest_has_a_value_that_is_too_much(index: Path, tmp_path: Path) -> None:
    manifest = json.loads((index / current_id(index) / "manifest.json").read_bytes())
    for place in fields(manifest):
        for value in VALUES:
            raw = json.dumps(changed(manifest, place, value), indent=1, sort_keys=True) + "\n"
            try:
                parsed = parse_manifest(raw.encode())
            except ValueError as error:
                assert str(error)
            else:
                assert parsed.to_json() == json.loads(raw)


def forged(index: Path, at: Path, manifest: bytes) -> Path:
    """A copy of the index whose current snapshot has that manifest, and the id to match."""
    shutil.rmtree(at, ignore_errors=True)
    shutil.copytree(index, at)
    old = at / current_id(at)
    (old / "manifest.json").write_bytes(manifest)
    old.rename(at / id_of(manifest))
    (at / "CURRENT").write_text(id_of(manifest))
    return at
