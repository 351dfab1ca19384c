"""Runs in the peer's environment: `python txtai_index.py MODEL TEXTS.jsonl INDEX`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from txtai import Embeddings


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """The id and the text of each line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["id"], row["text"]


def main(model: str, rows: str, index: str) -> None:
    """Index the texts by dense vectors in FAISS and by BM25, and keep them."""
    embeddings = Embeddings(path=model, hybrid=True, content=True)
    embeddings.index(texts(Path(rows)))
    embeddings.save(index)


if __name__ == "__main__":
    main(*sys.argv[1:])
