"""`python -m eval`."""

from rag.__main__ import start

if __name__ == "__main__":
    start("eval.cli")
