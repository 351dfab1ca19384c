"""A disk that loses power: what of a trace of file operations may be found, and its harm.

The model is the pessimistic one of Pillai et al. 2014 ("All file systems are not created equal"):
until a file is synced, its content may be there, be zeros, be cut short or be empty; until a
folder is synced, any of the changes to its entries may be missing, whatever their order.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from rag.store.disk import Files
from rag.store.open import check_files, open_newest
from rag.store.publish import roll_back
from rag.store.readback import in_process
from rag.store.versions import read_versions, snapshot_ids
from rag.types.errors import CorruptIndex, NoIndex
from support.snapshots import ENCODER, FIRST, FOURTH, SECOND, THIRD, noon, published


@dataclass(frozen=True, slots=True)
class Op:
    """An operation: write, sync_file, make_dir, sync_dir, rename, unlink, or acknowledged."""

    what: str
    path: Path
    content: bytes = b""
    target: Path = Path()


class Recorder(Files):
    """Does what it is told, without syncing, and records it.

    A build is acknowledged when the folder has been synced in which CURRENT was renamed.
    """

    def __init__(self) -> None:
        self.trace: list[Op] = []

    def write(self, path: Path, content: bytes | memoryview) -> None:
        self.trace.append(Op("write", path, bytes(content)))
        super().write(path, content)

    def sync_file(self, path: Path, descriptor: int) -> None:
        self.trace.append(Op("sync_file", path))

    def make_dir(self, path: Path) -> None:
        super().make_dir(path)
        self.trace.append(Op("make_dir", path))

    def sync_dir(self, path: Path) -> None:
        switched = [op.target.name for op in self.trace[-1:]] == ["CURRENT"]
        self.trace.append(Op("sync_dir", path))
        if switched:
            self.trace.append(Op("acknowledged", Path((path / "CURRENT").read_text().strip())))

    def rename(self, source: Path, target: Path) -> None:
        self.trace.append(Op("rename", source, target=target))
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        below = sorted(path.iterdir()) if path.is_dir() else []
        self.trace += [Op("unlink", gone) for gone in [*below, path]]
        super().remove(path)


@dataclass(slots=True)
class File:
    content: bytes
    synced: bool = False

    def survivor(self, dice: random.Random) -> bytes:
        half = len(self.content) // 2
        lost = (self.content, bytes(len(self.content)), self.content[:half], b"")
        return self.content if self.synced else dice.choice(lost)


@dataclass(slots=True)
class Folder:
    """`entries` as a running system sees them, `durable` as they are on disk; `pending` lists
    the changes between the two: the name removed, the name added, and what it names."""

    entries: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[tuple[str, str, File | Folder]] = field(default_factory=list)

    def change(self, removed: str, added: str, node: File | Folder) -> None:
        self.pending.append((removed, added, node))
        _apply(self.entries, removed, added, node)

    def survivors(self, dice: random.Random, kept: float) -> dict[str, File | Folder]:
        found = dict(self.durable)
        for change in self.pending:
            if dice.random() < kept:
                _apply(found, *change)
        return found


# What is found after a power cut: files by their content, folders by their entries.
Tree = dict[str, "bytes | Tree"]
Frozen = frozenset[tuple[str, "bytes | Frozen"]]


def states(
    root: Path, trace: Sequence[Op], seeds: int, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, Tree]]:
    """What may be found under the root after each prefix of the trace, in `seeds` ways each.

    With each state comes how many operations had been done: from `start` up to `stop`.
    """
    disk = Folder()
    for done in range((len(trace) if stop is None else stop) + 1):
        if done:
            _do(disk, trace[done - 1], root)
        for seed in range(seeds) if done >= start else ():
            dice = random.Random(f"{done} {seed}")
            # All changes to entries since the last sync, none, or each by the toss of a coin.
            yield done, _found(disk, dice, kept=float(seed) if seed < 2 else 0.5)


def frozen(tree: Tree) -> Frozen:
    """The tree as a key."""
    return frozenset(
        (name, node if isinstance(node, bytes) else frozen(node)) for name, node in tree.items()
    )


def below(tree: Tree, name: str) -> Tree:
    """The folder of that name, or an empty one."""
    node = tree.get(name, {})
    assert not isinstance(node, bytes)
    return node


def lay_out(tree: Tree, at: Path) -> None:
    """Writes the tree as a new folder."""
    at.mkdir()
    for name, node in tree.items():
        if isinstance(node, bytes):
            (at / name).write_bytes(node)
        else:
            lay_out(node, at / name)


class Shelf:
    """Lays out trees, none of them to be changed; each folder in them is written only once."""

    def __init__(self, folder: Path) -> None:
        self._places = (folder / str(number) for number in count())
        self._kept: dict[Frozen, Path] = {}

    @contextmanager
    def laid_out(self, tree: Tree) -> Iterator[Path]:
        """The folder in which the tree, whose folders hold files alone, stands meanwhile."""
        at = next(self._places)
        at.mkdir()
        lent: dict[Frozen, Path] = {}
        for name, node in tree.items():
            if isinstance(node, bytes):
                (at / name).write_bytes(node)
            else:
                lent[frozen(node)] = self._lend(node, at / name)
        yield at
        self._kept |= {key: path.rename(next(self._places)) for key, path in lent.items()}
        shutil.rmtree(at)

    def _lend(self, tree: Tree, at: Path) -> Path:
        kept = self._kept.pop(frozen(tree), None)
        if kept:
            return kept.rename(at)
        lay_out(tree, at)
        return at


def _apply(
    entries: dict[str, File | Folder], removed: str, added: str, node: File | Folder
) -> None:
    entries.pop(removed, None)
    if added:
        entries[added] = node


def _do(disk: Folder, op: Op, root: Path) -> None:
    if op.what == "acknowledged":
        return
    *above, name = op.path.relative_to(root).parts or ("",)
    folder = disk
    for part in above:
        folder = _folder(folder.entries[part])
    match op.what:
        case "write":
            folder.change("", name, File(op.content))
        case "make_dir":
            folder.change("", name, Folder())
        case "rename":
            folder.change(name, op.target.name, folder.entries[name])
        case "unlink":
            folder.change(name, "", folder.entries[name])
        case "sync_file":
            node = folder.entries[name]
            assert isinstance(node, File)
            node.synced = True
        case "sync_dir":
            synced = _folder(folder.entries[name]) if name else folder
            synced.durable, synced.pending = dict(synced.entries), []


def _folder(node: File | Folder) -> Folder:
    assert isinstance(node, Folder)
    return node


def _found(folder: Folder, dice: random.Random, kept: float) -> Tree:
    return {
        name: node.survivor(dice) if isinstance(node, File) else _found(node, dice, kept)
        for name, node in sorted(folder.survivors(dice, kept).items())
    }


def record(root: Path) -> list[Op]:
    """The trace of four builds, the last two of which remove the oldest, and of a rollback."""
    index, files = root / "index", Recorder()
    ids = [published(index, text, files, keep=2) for text in (FIRST, SECOND, THIRD)]
    roll_back(index, ENCODER, ids[1], files, verify=in_process, clock=noon)
    published(index, FOURTH, files, keep=2)
    return files.trace


def harm(index: Path, acknowledged: Sequence[str], under_way: Sequence[str]) -> str | None:
    """What is wrong with an index found after a power cut, or None."""
    try:
        for id in snapshot_ids(index):
            check_files(index / id)
        opened = open_newest(index, ENCODER)
    except NoIndex:
        return "an acknowledged build is lost" if acknowledged else None
    except CorruptIndex as error:
        return f"a snapshot is damaged: {error}"
    if acknowledged and opened.refused:
        return f"the current snapshot cannot be loaded: {opened.refused}"
    if opened.snapshot.id not in [*acknowledged[-1:], *under_way]:
        return f"another snapshot answers: {opened.snapshot.id}"
    if not set(acknowledged) <= {version.id for version in read_versions(index)}:
        return "the record of a version is lost"
    return None


def harms(
    root: Path,
    trace: Sequence[Op],
    shelf: Shelf,
    seeds: int,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[str | None]:
    """The harm in each state; a state that was seen before is not opened again."""
    seen: dict[tuple[int, Frozen], str | None] = {}
    for done, tree in states(root, trace, seeds, start, stop):
        acknowledged = [op.path.name for op in trace[:done] if op.what == "acknowledged"]
        under_way = [op.path.name for op in trace[done:] if op.what == "acknowledged"][:1]
        key = (len(acknowledged), frozen(tree))
        if key not in seen:
            with shelf.laid_out(below(tree, "index")) as index:
                seen[key] = harm(index, acknowledged, under_way)
        yield seen[key]


def without(trace: Sequence[Op], at: int) -> list[Op]:
    return [*trace[:at], *trace[at + 1 :]]


def span(trace: Sequence[Op], at: int) -> tuple[int, int]:
    """From where to where the lack of that sync may show: from the next renaming, since nothing
    is named before, to the next acknowledgement."""
    after = {op.what: at + n for n, op in reversed(list(enumerate(trace[at:])))}
    stop = after.get("acknowledged", len(trace) - 1)
    return min(after.get("rename", stop), stop), stop
