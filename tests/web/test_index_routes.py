"""The routes that look after the index."""

from __future__ import annotations

import errno
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.building.origin import UPLOAD_MARKER
from rag.cli.main import main
from rag.documents.formats import SUFFIXES
from rag.encoders.open import open_encoder
from rag.serving.jobs import build_command
from rag.serving.live import IndexFolder, Serving
from rag.serving.upkeep import Upkeep
from rag.serving.uploads import PREFIX
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.web.bodies import MAX_UPLOAD_BYTES
from service import create_app
from support.builds import build_snapshot
from support.client import check_problem
from support.file_trees import write
from support.letter_encoder import corpus
from support.live_index import app_of, script
from support.snapshots import ENCODER, FIRST, SECOND, published, tree
from support.unopenable import refusing

WAIT = "import time; time.sleep(60)"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of two snapshots."""
    for text in (FIRST, SECOND):
        published(tmp_path / "index", text)
    return tmp_path / "index"


def client_of(app: Any) -> TestClient:
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def client(index: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A service whose builds never end."""
    roots = ((tmp_path / "corpus").resolve(),)
    with client_of(app_of(index, script(WAIT), roots=roots)) as client:
        yield client


def versions(client: TestClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get("/index/versions").json()["versions"]
    return listed


def served(client: TestClient) -> str:
    return str(client.get("/readyz").json()["index"]["version"])


def ended(client: TestClient, location: str) -> dict[str, Any]:
    """The job when it has ended."""
    while (job := client.get(location).json())["status"] == "running":
        time.sleep(0.02)
    return dict(job)


# ---- the start


def test_a_service_that_starts_sweeps_what_dead_builds_left(index: Path) -> None:
    (index / "tmp-0123456789ab").mkdir()
    with client_of(app_of(index)) as client:
        assert client.get("/readyz").status_code == 200
        assert list(index.glob("tmp-*")) == []


def test_a_service_that_starts_leaves_a_running_build_alone(index: Path) -> None:
    with writing(index):
        (index / "tmp-0123456789ab").mkdir()
        with client_of(app_of(index)) as client:
            assert client.get("/readyz").status_code == 200
        assert (index / "tmp-0123456789ab").exists()


# ---- the report


def test_report_gives_each_file_with_its_verdict(tmp_path: Path) -> None:
    write(tmp_path / "corpus" / "a.md", "# A\n\nApples.\n\n## FAQ\n\n### Why?\n\nBecause.\n")
    write(tmp_path / "corpus" / "b.pdf", "%PDF-1.4 cut off")
    write(tmp_path / "corpus" / "c.md", "")
    with writing(tmp_path / "index"):
        snapshot = build_snapshot([tmp_path / "corpus"], ENCODER)
        publish(tmp_path / "index", snapshot, ENCODER, verify=in_process)
    with client_of(app_of(tmp_path / "index")) as client:
        report = client.get("/index/report").json()
        assert report["index"]["version"] == snapshot.id
        assert report["verdicts"] == {"indexed": 1, "skipped:corrupt": 1, "skipped:empty": 1}
        whole = report["files"][0]
        assert (whole["id"], whole["sections"], whole["faq_pairs"]) == ("a.md", 1, 1)
        assert [file["verdict"] for file in report["files"][1:]] == [
            "skipped:corrupt",
            "skipped:empty",
        ]
        page = client.get("/index/report?verdict=skipped&limit=1").json()
        assert ([file["id"] for file in page["files"]], page["next"]) == (["b.pdf"], 1)
        page = client.get("/index/report?verdict=skipped&limit=1&offset=1").json()
        assert ([file["id"] for file in page["files"]], page["next"]) == (["c.md"], None)
        check_problem(client.get("/index/report?limit=0"), 422, "invalid_request")


# ---- versions and rollback


def test_versions_are_listed_newest_first(client: TestClient) -> None:
    new, old = versions(client)
    assert (new["state"], old["state"], new["before"]) == ("current", "kept", old["id"])
    assert (new["action"], new["published"]) == ("build", "2026-01-02T12:00:00Z")
    assert new["counts"] == {
        "documents": 1,
        "sections": 1,
        "faq_pairs": 0,
        "passages": 1,
        "tokens": 5,
    }


def test_removed_versions_are_left_out(index: Path, client: TestClient) -> None:
    for text in ("Plums.", "Figs."):
        published(index, text, keep=2)
    assert {version["state"] for version in versions(client)} == {"current", "kept"}


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": "whole"}, {"id": "part"}])
def test_rollback_answers_at_once_from_the_older_snapshot(
    client: TestClient, body: dict[str, Any]
) -> None:
    new, old = (version["id"] for version in versions(client))
    given = {"whole": {"id": old}, "part": {"id": old[:11]}}.get(body.get("id", ""), body)
    assert served(client) == new
    response = client.post("/index/rollback", json=given)
    assert (response.status_code, response.json()) == (200, {"id": old, "before": new})
    assert served(client) == old
    assert versions(client)[0]["action"] == "rollback"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": "000000000000"}, 404, "unknown_version"),
        ({"id": ""}, 422, "invalid_request"),
        ({"id": "../../etc"}, 422, "invalid_request"),
        ({"id": 5}, 422, "invalid_request"),
        ({"to": "x"}, 422, "unknown_field"),
        ([], 422, "invalid_request"),
    ],
)
def test_rollback_to_nothing_is_refused(
    client: TestClient, body: object, status: int, code: str
) -> None:
    check_problem(client.post("/index/rollback", json=body), status, code)


def test_rollback_with_nothing_before_or_to_a_damaged_snapshot_is_refused(
    index: Path, client: TestClient
) -> None:
    new, old = (version["id"] for version in versions(client))
    (index / old / "dense.faiss").write_bytes(b"")
    response = client.post("/index/rollback", json={"id": old})
    check_problem(response, 409, "not_rolled_back")
    detail = response.json()["detail"]
    assert detail.startswith(f"{old}/dense.faiss ")
    assert str(index) not in detail
    assert served(client) == new


def test_rollback_while_something_writes_is_refused(index: Path, client: TestClient) -> None:
    with writing(index):
        check_problem(client.post("/index/rollback", json={}), 409, "build_in_progress")


def test_rollback_that_the_disk_refuses_is_507_and_changes_nothing(
    index: Path, client: TestClient
) -> None:
    before = served(client)
    with refusing(index / "tmp-CURRENT", errno.ENOSPC):
        response = client.post("/index/rollback", json={})
    check_problem(response, 507, "index_not_writable")
    assert "No space left" in response.json()["detail"]
    assert str(index) not in response.json()["detail"]
    assert served(client) == before


# ---- rebuild and jobs


def test_rebuild_starts_a_job_that_can_be_cancelled(client: TestClient) -> None:
    before = served(client)
    response = client.post("/index/rebuild", json={"files": [{"name": "a.md", "text": "A."}]})
    job = response.json()["job"]
    assert (response.status_code, response.json()["status"]) == (202, "running")
    assert response.headers["location"] == f"/index/jobs/{job}"
    check_problem(
        client.post("/index/rebuild", json={"files": [{"name": "a.md", "text": "A."}]}),
        409,
        "build_in_progress",
    )
    running = {
        "job": job,
        "status": "running",
        "progress": {"done": 0, "total": 0},
        "result": None,
        "problem": None,
    }
    assert client.get(f"/index/jobs/{job}").json() == running
    cancelled = {**running, "status": "cancelled"}
    assert client.delete(f"/index/jobs/{job}").json() == cancelled
    assert client.delete(f"/index/jobs/{job}").json() == cancelled
    assert served(client) == before


def test_build_that_fails_is_a_problem_of_its_job(index: Path) -> None:
    code = "import sys; print('no such file'); sys.exit(2)"
    with client_of(app_of(index, script(code), roots=(Path("/"),))) as client:
        before = served(client)
        job = ended(client, client.post("/index/rebuild", json={"path": "/x"}).headers["location"])
        assert (job["status"], job["result"]) == ("failed", None)
        assert job["problem"] == {"code": "build_refused", "detail": "no such file"}
        assert served(client) == before


def test_job_does_not_tell_where_the_index_is(index: Path) -> None:
    said = [
        f"{index}/abc is damaged",
        f"no index in {index}: run `rag build`",
        f"{index}.old stays",
    ]
    expected = ["abc is damaged", "no index in the index: run `rag build`", f"{index}.old stays"]
    told = []
    for message in said:
        event = json.dumps({"event": "error", "message": message})
        code = f"import sys; print({event!r}); sys.exit(2)"
        with client_of(app_of(index, script(code), roots=(Path("/"),))) as client:
            started = client.post("/index/rebuild", json={"path": "/x"})
            told.append(ended(client, started.headers["location"])["problem"]["detail"])
    assert told == expected


def test_running_build_ends_with_the_service(index: Path, tmp_path: Path) -> None:
    app = app_of(index, script(WAIT), roots=(tmp_path,))
    with client_of(app) as client:
        id = client.post("/index/rebuild", json={"path": str(tmp_path)}).json()["job"]
    assert app.state.service.jobs.get(id).status == "cancelled"


@pytest.mark.parametrize("path", ["/etc", "/none", "..", "corpus/../../x", "~"])
def test_paths_outside_the_roots_are_refused(client: TestClient, path: str) -> None:
    response = client.post("/index/rebuild", json={"path": path})
    check_problem(response, 403, "path_not_allowed")
    assert path.strip("./~") not in response.json()["detail"] or not path.strip("./~")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "one_source"),
        ({"path": None}, "one_source"),
        ({"path": "a", "files": []}, "one_source"),
        ({"files": None}, "one_source"),
        ([], "one_source"),
        ({"path": ""}, "invalid_request"),
        ({"path": "a\0b"}, "nul_character"),
        ({"path": 5}, "invalid_request"),
        ({"path": "x" * 4097}, "invalid_request"),
        ({"path": "a", "gate": False}, "unknown_field"),
        ({"path": "a", "force": "yes"}, "invalid_request"),
        ({"files": []}, "invalid_request"),
        ({"files": [{"name": "a.md"}]}, "one_source"),
        ({"files": [{"name": "a.md", "text": "x", "base64": "eA=="}]}, "one_source"),
        ({"files": [{"name": "a.md", "base64": "e A="}]}, "bad_base64"),
        ({"files": [{"name": "a.md", "base64": "eA==eA=="}]}, "bad_base64"),
        ({"files": [{"name": "a.md", "text": ""}]}, "invalid_request"),
        ({"files": [{"name": "a.md", "text": "x"}] * 2}, "bad_name"),
        ({"files": [{"name": f"{n}.md", "text": "x"} for n in range(1001)]}, "invalid_request"),
    ],
)
def test_strange_rebuilds_are_refused(client: TestClient, body: object, code: str) -> None:
    check_problem(client.post("/index/rebuild", json=body), 422, code)


@pytest.mark.parametrize(
    "name",
    [
        "/a.md",
        "a/b.md",
        "..",
        "../a.md",
        "a\\b.md",
        ".a.md",
        "a\n.md",
        "a\0.md",
        "a.exe",
        "~$plan.md",
        "é" * 127 + ".md",
    ],
)
def test_file_names_that_are_none_are_refused(client: TestClient, name: str) -> None:
    body = {"files": [{"name": name, "text": "x"}]}
    check_problem(client.post("/index/rebuild", json=body), 422, "bad_name")


def test_all_suffixes_that_can_be_read_are_accepted(client: TestClient) -> None:
    files = [{"name": f"A b{suffix.upper()}", "text": "x"} for suffix in SUFFIXES]
    assert client.post("/index/rebuild", json={"files": files}).status_code == 202


def test_upload_of_8_megabytes_is_read_and_one_byte_more_is_not(client: TestClient) -> None:
    body = b'{"files":[{"name":"a.md","text":"x"}]}'
    headers = {"content-type": "application/json"}
    too_long = client.post(
        "/index/rebuild", content=body.ljust(MAX_UPLOAD_BYTES + 1), headers=headers
    )
    check_problem(too_long, 413, "body_too_large")
    accepted = client.post("/index/rebuild", content=body.ljust(MAX_UPLOAD_BYTES), headers=headers)
    assert accepted.status_code == 202


def test_forms_of_other_pages_are_refused(client: TestClient) -> None:
    for path in ("/index/rebuild", "/index/rollback"):
        for content_type in ("text/plain", "application/x-www-form-urlencoded"):
            response = client.post(path, content=b"{}", headers={"content-type": content_type})
            check_problem(response, 415, "unsupported_media_type")


def test_unknown_jobs_are_404(client: TestClient) -> None:
    check_problem(client.get("/index/jobs/none"), 404, "unknown_job")
    check_problem(client.delete("/index/jobs/none"), 404, "unknown_job")


def test_wrong_method_is_told_every_right_one(client: TestClient) -> None:
    assert client.put("/index/jobs/x").headers["allow"] == "DELETE, GET, HEAD"


def test_unknown_field_is_told_from_those_of_its_place(client: TestClient) -> None:
    file = {"name": "a.md", "text": "A."}
    bodies = [{"files": [file], "text": 1}, {"files": [file, {**file, "path": 1}]}]
    details = [client.post("/index/rebuild", json=body).json()["detail"] for body in bodies]
    known = "an unknown field was given; known are"
    assert details == [
        f"{known} files, force, path, strict",
        f"files[1]: {known} base64, name, text",
    ]


CHANGES = [
    ("POST", "/index/rebuild"),
    ("POST", "/index/rollback"),
    ("DELETE", "/index/jobs/x"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.local"])
def test_changes_are_refused_where_the_bind_is_not_local(
    index: Path, method: str, path: str, host: str
) -> None:
    with client_of(app_of(index, host=host)) as client:
        response = client.request(method, path)
        check_problem(response, 403, "not_local")
        assert "127.0.0.1" in response.json()["detail"]
        assert client.get("/index/versions").status_code == 200


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_changes_are_refused_where_the_caller_came_another_way(
    index: Path, method: str, path: str
) -> None:
    app = app_of(index)
    upkeep: Upkeep = app.state.service.upkeep
    hosts = frozenset({"box.local"})
    with TestClient(create_app(upkeep=upkeep, hosts=hosts), base_url="http://box.local") as client:
        check_problem(client.request(method, path, json={}), 403, "not_local")


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.com"},
        {"origin": "http://localhost:3000"},
        {"origin": "https://127.0.0.1"},
        {"origin": "null"},
        {"origin": "localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    ],
)
def test_changes_asked_for_by_pages_of_other_sites_are_refused(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    before = served(client)
    check_problem(client.request(method, path, json={}, headers=headers), 403, "cross_site")
    assert served(client) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost"},
        {"origin": "HTTP://LOCALHOST:8000", "host": "localhost:8000"},
        {"origin": "http://localhost", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_changes_asked_for_by_programs_and_own_pages_are_made(
    client: TestClient, headers: dict[str, str]
) -> None:
    assert client.post("/index/rollback", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "LOCALHOST"])
def test_local_binds_may_change(index: Path, host: str) -> None:
    with client_of(app_of(index, host=host)) as client:
        assert client.post("/index/rollback", json={}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/index/versions"), ("GET", "/index/jobs/x"), *CHANGES[1:]],
)
def test_without_an_index_folder_there_is_nothing_to_look_after(method: str, path: str) -> None:
    body: dict[str, Any] | None = {} if method == "POST" else None
    check_problem(client_of(create_app()).request(method, path, json=body), 503, "not_ready")


def test_rollback_without_an_index_is_not_ready(tmp_path: Path) -> None:
    with client_of(app_of(tmp_path / "none")) as client:
        check_problem(client.post("/index/rollback", json={}), 503, "not_ready")


def test_first_build_over_http_makes_the_service_ready(tmp_path: Path) -> None:
    """The real command, by the bundled model: the letter encoder's service refuses its snapshot."""
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", fruit=FIRST)
    with client_of(app_of(index, build_command(index), roots=(tmp_path,))) as client:
        started = client.post("/index/rebuild", json={"path": str(folder)})
        job = ended(client, started.headers["location"])
        assert (job["status"], job["problem"]) == ("done", None)
        assert job["progress"] == {"done": 1, "total": 1}
        assert job["result"]["counts"]["passages"] == 1
        assert versions(client)[0]["id"] == job["result"]["id"]
        check_problem(client.get("/readyz"), 503, "not_ready")
        refused = client.post("/index/rebuild", json={"path": str(tmp_path / "none")})
        assert ended(client, refused.headers["location"])["problem"]["code"] == "build_refused"


def test_a_rebuild_over_http_skips_bad_files_and_lists_them(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", fruit=FIRST, todo="")
    (folder / "logo\x1b[2J.png").write_bytes(b"\x89PNG")
    (folder / "fruit.md~").write_text("Old.")
    with client_of(app_of(index, build_command(index), roots=(tmp_path,))) as client:
        started = client.post("/index/rebuild", json={"path": str(folder)})
        job = ended(client, started.headers["location"])
        report = job["result"]["report"]
        assert job["status"] == "done"
        assert report["verdicts"] == {"indexed": 1, "skipped:empty": 1, "skipped:unsupported": 1}
        assert {each["id"] for each in report["files"]} == {"todo.md", "logo\x1b[2J.png"}
        assert str(tmp_path) not in str(job)


def test_a_strict_rebuild_over_http_fails_at_the_first_bad_file(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", fruit=FIRST, todo="")
    with client_of(app_of(index, build_command(index), roots=(tmp_path,))) as client:
        body = {"path": str(folder), "strict": True}
        job = ended(client, client.post("/index/rebuild", json=body).headers["location"])
        assert job["problem"]["code"] == "build_refused"
        assert job["problem"]["detail"].startswith("todo.md: empty: ")
    assert not (index / "CURRENT").exists()


def test_a_folder_that_becomes_a_link_after_the_check_is_not_read(tmp_path: Path) -> None:
    index, root = tmp_path / "index", (tmp_path / "root").resolve()
    root.mkdir()
    folder = corpus(root / "docs", fruit=FIRST)
    outside = corpus(tmp_path / "outside", secret=SECOND)
    build = build_command(index, (root,))

    def exchange(path: Path, force: bool) -> Sequence[str]:
        folder.rename(root / "before")
        folder.symlink_to(outside)
        return build(path, force)

    with client_of(app_of(index, exchange, roots=(root,))) as client:
        started = client.post("/index/rebuild", json={"path": str(folder)})
        job = ended(client, started.headers["location"])
        assert (job["status"], job["problem"]) == (
            "failed",
            {"code": "build_refused", "detail": "it lies outside the folders that may be read"},
        )
        assert not (index / "CURRENT").exists()


def test_a_service_that_starts_sweeps_uploads_that_nobody_holds(
    index: Path,
) -> None:
    left = Path(tempfile.mkdtemp(prefix=PREFIX))
    (left / UPLOAD_MARKER).touch()
    with client_of(app_of(index)):
        assert not left.exists()


def test_worse_index_over_http_is_refused_with_its_reasons_unless_forced(tmp_path: Path) -> None:
    """The real command and the bundled model: three of four documents are gone."""
    index, files = tmp_path / "index", [{"name": f"{n}.md", "text": f"Fruit {n}."} for n in "abcd"]
    folder = IndexFolder(index, lambda: open_encoder("bundled", "onnx", 1))
    app = create_app(upkeep=Upkeep(folder, build_command(index), (), "127.0.0.1", 0.01))
    with client_of(app) as client:

        def rebuilt(body: dict[str, Any]) -> dict[str, Any]:
            started = client.post("/index/rebuild", json=body)
            return ended(client, started.headers["location"])

        gate = rebuilt({"files": files})["result"]["gate"]
        assert gate == {"passed": True, "figures": {"n": 0.0}, "reasons": [], "notes": []}
        before, kept = served(client), tree(index)
        refused = rebuilt({"files": files[:1]})
        assert (refused["status"], refused["problem"]["code"]) == ("failed", "gate_refused")
        assert "4 documents before, 1 now, fewer than half" in refused["problem"]["detail"]
        assert '"force": true' in refused["problem"]["detail"]
        assert (served(client), tree(index)) == (before, kept)
        assert client.post("/ask", json={"question": "Fruit d?"}).status_code == 200
        forced = rebuilt({"files": files[:1], "force": True})
        assert (forced["status"], forced["result"]["gate"]["passed"]) == ("done", False)
        new, old = versions(client)
        assert (new["forced"], old["forced"], new["eval"]) == (True, False, {"n": 0.0})
        assert new["note"].startswith("4 documents before, 1 now")
        assert served(client) == new["id"]


def test_build_prints_what_a_job_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(tmp_path / "corpus", fruit=FIRST)
    with pytest.raises(SystemExit):
        main(["build", "--json", "--index", str(tmp_path / "index"), "--", str(folder)])
    assert '"reused": null' in capsys.readouterr().out


def test_index_is_the_manifest(serving: Serving) -> None:
    client = client_of(create_app(serving))
    manifest = serving.snapshot.manifest
    assert client.get("/index").json() == {"id": manifest.id, **manifest.to_json()}
