"""A tiny collection in BEIR layout, with squad2's metadata, for the letter encoder."""

import json
from pathlib import Path

Row = tuple[str, str, str, str, str]
# (article, paragraph id, text, question, answer)
ROWS: list[Row] = [
    ("Fruit", "p0", "Apples are red. Bears eat them.", "apples red", "Apples"),
    ("Fruit", "p1", "Cherries are dark. Dogs hate them.", "cherries dark", "Cherries"),
    ("Metal", "p2", "Gold is heavy. Kings hoard it.", "gold heavy", "Gold"),
    ("Metal", "p3", "Iron rusts. Jewels never rust.", "jewels", "Jewels"),
]


def write_collection(folder: Path, unanswerable: bool = False, rows: list[Row] = ROWS) -> Path:
    """The folder, with corpus, queries, judgments and, if wanted, questions without an answer."""
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": id, "title": title, "text": text} for title, id, text, _, _ in rows]
    queries = [_query(f"q{n}", row[3], row[1], [row[4]]) for n, row in enumerate(rows)]
    if unanswerable:
        queries += [_query(f"u{n}", "zebras", row[1], []) for n, row in enumerate(rows[::2])]
        flags = "".join(f"{each['_id']}\t{int(each['text'] != 'zebras')}\n" for each in queries)
        (folder / "answerable.tsv").write_text(f"query-id\tanswerable\n{flags}")
    _write(folder / "corpus.jsonl", documents)
    _write(folder / "queries.jsonl", queries)
    judged = "".join(f"q{n}\tp{n}\t1\n" for n in range(len(rows)))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    return folder


def articles(count: int) -> list[Row]:
    """Rows of that many articles, two paragraphs each."""
    return [
        (
            f"Town {n}",
            f"p{2 * n + at}",
            f"{what} of town {n} is {word}. It is old.",
            f"What is the {what.lower()} of town {n}?",
            word,
        )
        for n in range(count)
        for at, (what, word) in enumerate([("Colour", "blue"), ("Food", "bread")])
    ]


def _query(id: str, text: str, paragraph: str, answers: list[str]) -> dict[str, object]:
    metadata = {"paragraph": paragraph, "answers": answers, "is_impossible": not answers}
    return {"_id": id, "text": text, "metadata": metadata}


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def folder(place: Path, **changed: str) -> Path:
    """A folder of three queries and two documents, with files changed or, if empty, left out."""
    files = {
        "corpus.jsonl": '{"_id": "d1", "title": "T", "text": "x"}\n\n{"_id": 2, "text": null}\n',
        "queries.jsonl": '{"_id": "q1", "text": "a"}\n{"_id": "q2", "text": "b"}\n'
        '{"_id": "q3", "text": "c"}\n',
        "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\t2\t0\n",
    }
    (place / "qrels").mkdir(parents=True)
    for name, text in (files | changed).items():
        if text:
            (place / name).write_text(text)
    return place
