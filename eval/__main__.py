"""`python -m eval`."""

from collections.abc import Callable

from rag.__main__ import start


def _command_line() -> Callable[[], None]:
    from eval.cli import main

    return main


if __name__ == "__main__":
    start(_command_line)
