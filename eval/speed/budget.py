"""How much work asking, opening and building take, counted, not timed.

`python -m eval.speed.budget` prints the counts as JSON; `tests/eval/speed/test_budget.py` compares
them with `budget.json`, which `--write` makes. A machine's load changes none of them:

- `bytecodes`: the Python instructions that were run, in the hundreds of thousands. A loop over
  passages that should be one array operation shows here.
- `native_calls`: calls from Python into compiled code.
- `word_pieces`: what the encoder was given to read, which is most of the time of all three.
- `encoder_calls`: how often it was called.
- `bytes_read`: what was read from files, the model's left out.

What a compiled function does inside is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from rag.answering import ask
from rag.building import index_corpus
from rag.documents import read_corpus
from rag.encoders import Encoder, open_encoder
from rag.serving import build, open_index

BUDGET = Path(__file__).with_name("budget.json")
CORPUS = Path("corpus")
QUESTIONS = (
    "Which procedure collects the T cells from the patient?",
    "How long did the patients stay in hospital?",
    "What is the price of gold?",
)
# A count may differ from the budget by this share, to either side: much less work is a new budget.
SLACK = 0.15

WorkCounts = dict[str, int]


@dataclass(slots=True)
class CountingEncoder:
    """An encoder that counts what another is given."""

    inner: Encoder
    calls: int = 0
    pieces: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def encode_queries(self, texts: Sequence[str]) -> Any:
        """The vectors of questions, counted."""
        self._count(texts)
        return self.inner.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Any:
        """The vectors of passages, counted with their contexts."""
        self._count([*texts, *contexts])
        return self.inner.encode_passages(texts, contexts)

    def _count(self, texts: Sequence[str]) -> None:
        self.calls += 1
        self.pieces += sum(len(self.inner.word_pieces(text)) for text in texts)


@dataclass(slots=True)
class Counter:
    """Counts bytecodes and calls into compiled code of this thread while it is entered."""

    bytecodes: int = 0
    native: int = 0
    before: tuple[Any, Any] = field(default=(None, None))

    def __enter__(self) -> Counter:
        self.before = (sys.gettrace(), sys.getprofile())
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        return self

    def __exit__(self, *error: object) -> None:
        trace, profile = self.before
        sys.settrace(trace)
        sys.setprofile(profile)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self.bytecodes += event == "opcode"
        return self._trace

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        self.native += event == "c_call"


def work_of(work: Callable[[], object], encoder: CountingEncoder) -> WorkCounts:
    """The counts of the work."""
    calls, pieces = encoder.calls, encoder.pieces
    _, read = bytes_read()
    with Counter() as counter:
        work()
    read_after, _ = bytes_read()
    return {
        "bytecodes": counter.bytecodes,
        "native_calls": counter.native,
        "encoder_calls": encoder.calls - calls,
        "word_pieces": encoder.pieces - pieces,
        "bytes_read": read_after - read,
    }


def measure(corpus: Path = CORPUS) -> dict[str, WorkCounts]:
    """The counts of building, opening and asking, each after a first time that is not counted."""
    encoder: Any = CountingEncoder(open_encoder("bundled", "onnx", 1))
    with tempfile.TemporaryDirectory() as folder:
        build(corpus, folder, encoder=encoder)
        index = open_index(folder, encoder=encoder)
        opening = work_of(lambda: open_index(folder, encoder=encoder), encoder)
    for question in QUESTIONS:
        ask(index.snapshot, encoder, question)
    asking = work_of(
        lambda: [ask(index.snapshot, encoder, question) for question in QUESTIONS], encoder
    )
    # The readers are imported; what was built above was read by another process.
    read_corpus([corpus])
    building = work_of(lambda: index_corpus(read_corpus([corpus]), encoder), encoder)
    return {"asking": asking, "opening": opening, "building": building}


def over(found: Mapping[str, WorkCounts], budget: Mapping[str, WorkCounts]) -> list[str]:
    """What differs from the budget by more than SLACK, in words; nothing if all is kept."""
    return [
        f"{step}: {name} is {count:,}, {count / max(1, kept):.2f} times the budget of {kept:,}"
        for step, counts in budget.items()
        for name, kept in counts.items()
        if abs((count := found[step][name]) - kept) > SLACK * kept
    ]


def bytes_read() -> tuple[int, int]:
    """The bytes that this process has read by system calls before this call, and after it."""
    text = Path("/proc/self/io").read_text(encoding="ascii")
    fields = dict(line.split(": ") for line in text.splitlines())
    read = int(fields["rchar"])
    return read, read + len(text)


def main(*options: str) -> None:
    """Print the counts, or keep them as the budget."""
    text = json.dumps(measure(), indent=1) + "\n"
    if "--write" in options:
        BUDGET.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    # The order of sets follows the hash of strings.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "eval.speed.budget", *sys.argv[1:]])
    main(*sys.argv[1:])
