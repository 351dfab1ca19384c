from __future__ import annotations

from fastapi.testclient import TestClient

from support.client import asked


def test_of_many_errors_five_are_told(client: TestClient) -> None:
    citations = [
        {"document_id": "", "sha256": "", "char_start": -1, "char_end": -1, "quote": "", "page": ""}
    ]
    detail = client.post("/verify", json={"citations": citations}).json()["detail"]
    assert (detail.count("citations[0]."), detail.endswith("; and 1 more")) == (5, True)


def test_refusals_never_repeat_the_input(client: TestClient) -> None:
    secret = "s3cr3t<script>"
    bodies = [{secret: 1}, {"question": "a", "mode": secret}, {"filters": {secret: {secret: 1}}}]
    replies = [client.post("/ask", json=body) for body in bodies]
    replies += [asked(client, secret), client.get(f"/documents/{secret}"), client.get(f"/{secret}")]
    replies += [client.get("/", headers={"host": secret}), asked(client, "{}", host=secret)]
    assert all(reply.status_code >= 400 for reply in replies)
    assert not any("s3cr3t" in reply.text or "s3cr3t" in str(reply.headers) for reply in replies)
