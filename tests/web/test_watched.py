"""Each request is seen once, in whatever way it comes."""

from __future__ import annotations

import re

from rag.web.watched import RequestRecord
from service import create_app
from support.raw_http import raw, request, running
from support.word_count_service import serving_of


def test_requests_that_are_sent_together_are_answered_in_order_and_counted() -> None:
    seen: list[RequestRecord] = []
    app = create_app(serving_of({"a.md": "Dogs travel."}), watchers=[seen.append])
    asked = [b'{"question":"dogs","top_k":%d}' % (n % 60) for n in range(99)]
    sent = [request("POST /ask", body, head=b"") for body in asked]
    with running(app) as port:
        answer = raw(port, b"".join([*sent, request("GET /healthz")]))
    statuses = [b"200" if 0 < n % 60 <= 50 else b"422" for n in range(99)] + [b"200"]
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == statuses
    assert [each.status.encode() for each in seen] == statuses
