"""The child process that parses: the same result as here, and what is too much costs one file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.documents.corpus import LENIENT, ReadOptions, read_corpus, read_in_process
from rag.documents.parse import Parse, parse, sha256
from rag.documents.sandbox import PAGE_BYTES, Bounds, Cage
from rag.types.errors import CorpusError, RagError
from support.file_trees import write
from support.places import ROOT

SAMPLE = ROOT / "corpus"
TIGHT = Bounds(seconds=1, memory_mb=400, answer_mb=1, answer_mb_per_mb=0)

# A parser that does what the file says, in place of the real one.
SCRIPTED = """
import os, resource, signal, socket, sys, time
from rag.documents.sandbox import parse_requests
from rag.documents.parse import parse

def scripted(document_id, raw, known):
    if raw.startswith(b"# run\\n"):
        exec(raw.decode(), {**globals()})
    return parse(document_id, raw, known)

parse_requests(scripted)
"""


@pytest.fixture
def scripted() -> Iterator[Cage]:
    """A cage with tight bounds whose child runs what a file holds."""
    with Cage(TIGHT, SCRIPTED) as cage:
        yield cage


def run(cage: Cage, code: str) -> str:
    """Why the cage refuses a file that runs the code."""
    with pytest.raises(CorpusError) as caught:
        cage.parse("bad.md", b"# run\n" + code.encode())
    return str(caught.value)


def options(cage: Cage) -> ReadOptions:
    return ReadOptions(cage.each)


HARD = {
    "marks.md": "\ufeff# Tïtle\r\n\r\n- a\r\n- b\r\n\r\n| a | b |\n| - | - |\n| c | d |\n",
    "faq.md": "# FAQ\n\n## Why?\n\nBecause.\n\n**Q: How?**\nA: So.\n",
    "plain.TXT": "A Heading\n\nText \u2028 \x01\x1b[2J \U0001f600 \x7f.\n\nQ: Why?\nA: So.\n",
    "lines.jsonl": '{"_id": "1", "text": "Ants."}\n[]\n{"_id": "\\u0007", "title": "T\\n"}\n',
}


def test_the_result_is_that_of_this_process(tmp_path: Path) -> None:
    for name, text in HARD.items():
        write(tmp_path / name, text)
    write(tmp_path / "wide.md", "Ünï\n".encode("utf-16"))
    write(tmp_path / "bad.md", b"abc\xe9")
    with Cage() as cage:
        for folder in (tmp_path, SAMPLE):
            assert read_corpus([folder], options=options(cage)) == read_corpus([folder])


def test_known_lines_are_not_parsed_again() -> None:
    lines = [json.dumps({"_id": str(n), "text": "Ants."}).encode() for n in range(3)]
    known = {"0": sha256(lines[0]), "2": "0" * 64}
    raw = b"\n".join(lines)
    with Cage() as cage:
        file = cage.parse("c.jsonl", raw, known)
    assert file == parse("c.jsonl", raw, known)
    assert file.unchanged == (("0", 1),)


def test_no_child_is_started_before_a_file_has_to_be_parsed(tmp_path: Path) -> None:
    with Cage(code="broken") as cage, pytest.raises(CorpusError, match="refused"):
        read_corpus([write(tmp_path / "a.xyz")], options=options(cage))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        # 1 s of the processor, or 5 s of waiting for it on a busy machine.
        ("while True: pass", "s to read"),
        ("time.sleep(60)", "took over 5 s to read"),
        ("bytearray(1 << 29)", "needed over 400 MB of memory"),
        ("x = [0]\nwhile True: x += x", "needed over 400 MB of memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed its reader (SIGSEGV)"),
        ("os._exit(3)", "crashed its reader (exit code 3)"),
        ("os.write(0, b'x' * 64)", "gave over 1 MB of text and marks"),
        ("os.write(0, bytes(7) + b'\\x02{}')", "gave no valid result when read"),
        ("os.close(0)", "crashed its reader"),
    ],
)
def test_what_is_too_much_costs_that_file_alone(scripted: Cage, code: str, why: str) -> None:
    assert scripted.parse("a.md", b"Ants.") == parse("a.md", b"Ants.")
    refusal = run(scripted, code)
    assert why in refusal
    assert refusal.startswith("parse_") and refusal.endswith("split it, convert it or remove it")
    assert scripted.parse("a.md", b"Ants.") == parse("a.md", b"Ants.")


def test_a_text_that_is_too_long_to_send_is_refused(scripted: Cage) -> None:
    with pytest.raises(CorpusError, match="gave over 1 MB"):
        scripted.parse("a.txt", b"A" + b"\x01" * 300_000)


def test_a_parser_that_fails_costs_that_file_alone_on_one_line(scripted: Cage) -> None:
    refusal = run(scripted, "raise ValueError('\\x1b[2J\\n')")
    assert "the reader failed (ValueError" in refusal
    assert refusal.isprintable()
    assert "RecursionError" in run(scripted, "def f(): f()\nf()")


def test_blocks_outside_the_text_are_refused(scripted: Cage) -> None:
    block = '{"kind":"paragraph","start":0,"end":99,"level":0,"label":"","parts":[],"tables":[]}'
    names = ("id", "title", "source", "media_type", "text", "sha256", "source_sha256")
    document = json.dumps(dict.fromkeys(names, "x"))
    reply = (
        f'{{"file":{{"documents":[{{"document":{document},"blocks":[{block}]}}],'
        '"unchanged":[],"left_out":[]},"refusal":"","is_spent":false}'
    )
    code = f"r = {reply!r}.encode(); os.write(0, len(r).to_bytes(8, 'big') + r); time.sleep(60)"
    assert "gave no valid result when read" in run(scripted, code)


def test_the_bounds_grow_with_the_file() -> None:
    of = Bounds(seconds=20, seconds_per_mb=2, memory_mb=100, memory_mb_per_mb=10).of(3 << 20)
    assert (of.seconds, of.memory_mb) == (26, 130)


def test_a_child_that_has_grown_is_replaced() -> None:
    with Cage(code=SCRIPTED) as cage:
        tell = "raise ValueError(os.getpid(), len(sys.argv))"
        first = run(cage, tell)
        assert run(cage, tell) == first
        run(cage, "sys.kept = bytearray(300 << 20)\nraise ValueError")
        assert run(cage, tell) != first


def test_the_child_has_no_secrets_and_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_SECRET", "secret")
    with Cage(code=SCRIPTED) as cage:
        assert "ValueError(None)" in run(cage, "raise ValueError(os.environ.get('RAG_SECRET'))")
        assert "Too many open files" in run(cage, "[os.dup(0) for _ in range(99)]")
        assert run(cage, "raise ValueError(os.nice(0))").startswith(
            f"parse_crashed: the reader failed (ValueError({os.nice(0)}))"
        )


def test_a_child_that_cannot_start_is_no_fault_of_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.md")
    with (
        Cage(code="import nothing_of_that_name") as cage,
        pytest.raises(RagError, match=r"did not start \(exit code 1\)") as caught,
    ):
        read_corpus([file], options=options(cage))
    assert not isinstance(caught.value, CorpusError)
    assert "nothing_of_that_name" in capfd.readouterr().err


PARENT = """
import sys
from rag.documents.sandbox import Cage
with Cage(code=sys.argv[1]) as cage:
    cage.parse("a.md", b"# run\\nopen(2, 'w').write(str(os.getpid()))\\nwhile True: pass")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the child at once")
def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    call = "parse_requests(scripted)"
    code = SCRIPTED.replace(call, f"open({str(pids)!r}, 'w').write(str(os.getpid()))\n{call}")
    with subprocess.Popen([sys.executable, "-c", PARENT, code]) as parent:
        child = int(wait_for(pids))
        time.sleep(0.5)
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def wait_for(path: Path) -> str:
    until = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return path.read_text()


def is_running(pid: int) -> bool:
    """Whether the process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_results_come_in_the_order_of_the_files_whichever_is_read_first() -> None:
    naps = [0.5, 0, 0, 0.2, *[0] * 20]

    def nap(seconds: float, parse: Parse) -> tuple[float, str]:
        with pytest.raises(CorpusError) as caught:
            parse("a.md", f"# run\ntime.sleep({seconds})\nraise ValueError(os.getpid())".encode())
        return seconds, str(caught.value)

    with Cage(code=SCRIPTED, workers=2) as cage:
        results = list(cage.each(nap, naps))
    assert [seconds for seconds, _ in results] == naps
    assert len({child for _, child in results}) == 2


def test_a_second_child_is_started_only_if_the_first_stays_busy(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"open({str(started)!r}, 'a').write('x')\n{SCRIPTED}"
    with Cage(code=code, workers=2, busy_seconds=60) as cage:
        cage.start()
        answers = list(cage.each(lambda name, parse: parse(name, b"Ants."), ["a.md"] * 20))
    assert [answer.documents[0].document.text for answer in answers] == ["Ants."] * 20
    assert started.read_text() == "x"


def test_an_error_about_a_file_is_raised_for_that_file(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path / f"{number:02}.md", "# run\nos.abort()" if number == 17 else "Ants.")
    with Cage(code=SCRIPTED, workers=3) as cage:
        files = read_corpus([tmp_path], options=ReadOptions(cage.each)).files
    (skipped,) = [file for file in files if file.has_loss]
    assert skipped.id == "17.md" and "SIGABRT" in str(skipped.remarks[0])


def test_closing_does_not_wait_for_a_file() -> None:
    began = time.monotonic()
    with Cage(code=SCRIPTED) as cage:
        timer = threading.Timer(1, cage.close)
        timer.start()
        run(cage, "time.sleep(60)")
        timer.join()
    assert time.monotonic() - began < 20


def test_the_pages_of_a_pdf_extend_its_bounds_as_far_as_its_size_allows() -> None:
    bounds = Bounds(seconds_per_page=0.1)
    assert bounds.for_pages(30, 1 << 20) == 3
    assert bounds.for_pages(1_000_000, 50 * PAGE_BYTES) == 5


def test_a_build_goes_on_past_a_file_that_brings_its_reader_down(
    scripted: Cage, tmp_path: Path
) -> None:
    for name, text in {"a.md": "Ants.", "b.md": "# run\nos.abort()", "c.md": "Cats."}.items():
        write(tmp_path / name, text)
    corpus = read_corpus([tmp_path], options=ReadOptions(scripted.each))
    assert [each.document.id for each in corpus.documents] == ["a.md", "c.md"]
    skipped = {each.id: each for each in corpus.files if not each.documents}
    assert {id: each.verdict for id, each in skipped.items()} == {"b.md": "skipped:parse_crashed"}
    assert "SIGABRT" in skipped["b.md"].remarks[0].text


def test_in_process_is_the_way_of_the_library() -> None:
    assert LENIENT.each is read_in_process
