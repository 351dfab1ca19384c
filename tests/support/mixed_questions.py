"""Questions of all lengths about the sample corpus, those of its eval set, and input that is no
question."""

from __future__ import annotations

import json
import random
import re
from functools import cache

from support.places import ROOT
from support.raw_http import request

CORPUS = ROOT / "corpus" / "car-t-lupus.md"
EVAL_SET = ROOT / "eval" / "car-t-lupus" / "questions.jsonl"
LONGEST = 2000
# One in so many has all the characters that a question may have.
LONG = 20

# Requests that are refused: no JSON, wrong fields, too much, no route, no HTTP.
BAD = (
    request("POST /ask", b"{"),
    request("POST /ask", b"\xff\xfe"),
    request("POST /ask", b"[" * 5000),
    request("POST /ask", b'{"question": ""}'),
    request("POST /ask", b'{"question": "%s"}' % (b"x" * (LONGEST + 1))),
    request("POST /ask", b'{"question": "%s"}' % (b"x" * 100_000)),
    request("POST /ask", b'{"question": "why", "top_k": 51}'),
    request("POST /ask", b'{"question": "why", "other": 1}'),
    request("POST /ask"),
    request("DELETE /ask"),
    request("GET /nothing"),
    request("GET /documents/..%2f..%2fetc%2fpasswd"),
    request("GET /healthz", head=b"Connection: close\r\nX-Long: %s\r\n" % (b"y" * 100_000)),
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
)
# A request whose client leaves before it has sent all of it.
UNFINISHED = request("POST /ask", b'{"question": "why"}')[:-5]


def golden_questions(count: int) -> list[str]:
    """The first questions of the sample corpus's eval set."""
    lines = EVAL_SET.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines[:count]]


def mixed_question(dice: random.Random) -> str:
    """Words of the sample corpus: a few, some hundred, or as many as fit."""
    wanted = LONGEST if dice.randrange(LONG) == 0 else int(2 ** dice.uniform(2, 11))
    length = min(LONGEST, wanted)
    words = " ".join(dice.choices(_words(), k=length))
    return words[:length].strip().ljust(length, "?")


@cache
def _words() -> list[str]:
    return re.findall(r"\S+", CORPUS.read_text(encoding="utf-8"))
