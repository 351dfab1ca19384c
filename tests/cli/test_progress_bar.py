"""Progress: one line that is drawn again on a terminal, a line for each tenth in a log."""

from __future__ import annotations

import io

from rag.cli.progress_bar import lines, reporting


def test_a_log_has_a_line_for_each_tenth_of_each_thing() -> None:
    log = io.StringIO()
    with reporting(log) as progress:
        for done in range(1, 101):
            progress("passages encoded", done, 100)
        progress("headings encoded", 7, 7)
    lines = log.getvalue().splitlines()
    assert len(lines) == 12
    assert lines[0] == "passages encoded: 1 of 100"
    assert lines[-2:] == ["passages encoded: 100 of 100", "headings encoded: 7 of 7"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_gone_in_the_end() -> None:
    terminal = Terminal()
    with reporting(terminal) as progress:
        for done in range(1, 101):
            progress("passages encoded", done, 100)
    shown = terminal.getvalue()
    assert "passages encoded" in shown
    # Every line break is followed by a step back up.
    assert shown.count("\n") <= shown.count("\x1b[1A") + 1


def test_a_log_tells_the_rate_and_the_time_left_after_a_second() -> None:
    log = io.StringIO()
    times = iter([0.0, 10.0])
    progress = lines(log, clock=lambda: next(times))
    progress("files read", 100, 300)
    progress("files read (9 pages)", 150, 300)
    assert log.getvalue().splitlines() == [
        "files read: 100 of 300",
        "files read (9 pages): 150 of 300, 5/s, 30 s left",
    ]
