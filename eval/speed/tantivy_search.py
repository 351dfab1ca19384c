"""Runs in an environment with tantivy: `python tantivy_search.py ASKED.json FOUND TURNS`."""

import json
import sys
import time
from pathlib import Path

import tantivy


def main(path: str, found: int, turns: int) -> None:
    """Index the texts, ask the queries, and print rows, milliseconds and seconds to index."""
    asked = json.loads(Path(path).read_text(encoding="utf-8"))
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", stored=True)
    schema = builder.build()
    start = time.perf_counter()
    index = tantivy.Index(schema)
    writer = index.writer(num_threads=1)
    for row, text in enumerate(asked["texts"]):
        writer.add_document(tantivy.Document(text=text, row=row))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    index_seconds = time.perf_counter() - start
    searcher = index.searcher()
    best = [float("inf")] * len(asked["queries"])
    for _ in range(turns):
        rows = []
        for at, query in enumerate(asked["queries"]):
            start = time.perf_counter()
            terms = [
                (tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", term, "freq"))
                for term in dict.fromkeys(query)
            ]
            hits = searcher.search(tantivy.Query.boolean_query(terms), found).hits
            rows.append([searcher.doc(place)["row"][0] for _, place in hits])
            best[at] = min(best[at], 1000 * (time.perf_counter() - start))
    print(json.dumps({"rows": rows, "milliseconds": best, "index_seconds": index_seconds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
