"""A service as a limited key sees it beside one that has nothing else, and requests for both."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from rag.index.snapshot import Snapshot
from rag.serving.keys import Keys, add_key
from rag.serving.upkeep import Upkeep
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.web.access import RULES, Door
from rag.web.pages import page_paths
from service import create_app
from support.builds import build_snapshot
from support.file_trees import write
from support.letter_encoder import LetterEncoder
from support.live_index import IDLE, folder_of

DAY = timedelta(days=1)
# Every text and title of a hidden document holds it, and no request ever does.
MARK = "qvx"
SEEN = ("guides/apples.md", "guides/bread.md", "guides/deep/corn.md")
HIDDEN = ("plans/bread.md", "plans/eggs.md", "zebra.md")
WORDS = ("bread", "blue", "apples", "eggs", "zebra", "recipe", "corn", "plans", "euros", "what")
IDS = (*SEEN, *HIDDEN, "none.md", "plans", "guides/", "ZEBRA.md")
# What is another each time.
OWN = re.compile(r"\b[0-9a-f]{32}\b|(?<=took_ms)\W+[\d.]+")
# What they say is of the service or of the key, and not of documents.
OF_THE_SERVICE = {("GET", "/readyz"), ("GET", "/session")}

Route = tuple[str, str]
ROUTES: list[Route] = [route for route in RULES if route[1] not in page_paths()]
# Those that are told nothing of documents.
PLAIN = [
    route
    for route in ROUTES
    if route[1].startswith(("/index", "/session", "/metrics", "/feedback", "/openapi", "/docs"))
    or route[1] in ("/page.json", "/healthz", "/readyz", "/llms.txt")
]


@dataclass(frozen=True)
class Sent:
    """A request, and the route of the table of routes that it is for."""

    route: Route
    path: str
    body: Any = None


@dataclass(frozen=True)
class Service:
    """A client, and the ids of its index in answers and probes."""

    client: TestClient
    versions: tuple[str, str]

    def reply(self, sent: Sent) -> Any:
        """The response to a request; one about an answer names the index that gave it."""
        about = {"index": self.versions[0]} if sent.route == ("POST", "/feedback") else {}
        body = {**sent.body, **about} if about else sent.body
        accepted = {"accept": "application/json, text/event-stream"}
        self.client.cookies.clear()
        return self.client.request(sent.route[0], sent.path, json=body, headers=accepted)

    def told(self, reply: Any) -> tuple[int, str, str | None]:
        """What a response says of the documents."""
        body = OWN.sub("", reply.text)
        for version in self.versions:
            body = body.replace(version, "")
        return reply.status_code, body, reply.headers.get("etag")


def check_hidden(limited: Service, alone: Service, sent: Sent) -> int:
    """The status of the response, which holds nothing of hidden documents, and is that of an index
    without them if the route is for limited keys."""
    reply, other = limited.reply(sent), alone.reply(sent)
    assert MARK.encode() not in reply.content and MARK not in str(reply.headers), sent
    if RULES[sent.route].whole:
        assert reply.status_code == 403, sent
    elif sent.route not in OF_THE_SERVICE:
        assert limited.told(reply) == alone.told(other), sent
    return int(reply.status_code)


def text_of(name: str) -> str:
    """A text that shares its words with the others, but for the mark."""
    mark = "kqz" if name.startswith("guides/") else MARK
    return (
        f"# Recipe of {name} {mark}\n\n## Baking {mark}\n\nBlue bread and apples {mark}. It costs "
        f"{len(name)} euros.\n\n## FAQ\n\n### What is bread {mark}?\n\nA kind of {mark} corn.\n"
    )


def snapshot_of(folder: Path, names: Sequence[str]) -> Snapshot:
    """The snapshot of these documents, which are written into the folder."""
    for name in names:
        write(folder / name, text_of(name))
    return build_snapshot([folder], LetterEncoder())


def index_of(folder: Path, names: Sequence[str]) -> Path:
    """A published index of these documents."""
    snapshot = snapshot_of(folder / "corpus", names)
    with writing(folder / "index"):
        publish(folder / "index", snapshot, LetterEncoder(), verify=in_process)
    return folder / "index"


@contextmanager
def limited_services(
    folder: Path, hidden: Sequence[str] = HIDDEN
) -> Iterator[tuple[Service, Service]]:
    """The whole index by a limited key, and the index of what it sees by one that is not."""
    with ExitStack() as stack:

        def service(name: str, names: Sequence[str], *paths: str) -> Service:
            index = index_of(folder / name, names)
            file = folder / f"{name}.keys.json"
            _, token = add_key(file, "read", DAY, paths=paths)
            upkeep = Upkeep(folder_of(index), lambda path, wanted: IDLE, ())
            app = create_app(folder_of(index).open(), upkeep=upkeep, door=Door(Keys(file)))
            client = TestClient(
                app, base_url="http://localhost", headers={"authorization": f"Bearer {token}"}
            )
            stack.enter_context(client)
            answer = client.post("/ask", json={"question": "bread"}).json()
            ready = client.get("/readyz").json()
            return Service(client, (answer["index"]["version"], ready["index"]["version"]))

        yield service("limited", (*SEEN, *hidden), "guides/*"), service("alone", SEEN)


def requests(seed: int) -> Iterator[Sent]:
    """Random requests to every route: for what is there, what is hidden, and what is neither."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = snapshot_of(Path(folder), (*SEEN, *HIDDEN))
    passages = [*(passage.id for passage in whole.passages), "p" + "0" * 16]
    makers: list[Callable[[], Sent]] = [
        lambda: Sent(("POST", "/ask"), "/ask", _question(chance)),
        lambda: Sent(("POST", "/verify"), "/verify", {"citations": [_citation(chance, whole)]}),
        lambda: _listed(chance),
        lambda: _document(chance),
        lambda: _passage(chance, passages),
        lambda: Sent(("POST", "/feedback"), "/feedback", _opinion(chance, passages)),
        lambda: Sent(("POST", "/mcp"), "/mcp", _message(chance, whole)),
        lambda: _adapted(chance),
        lambda: _plain(chance, chance.choice(PLAIN)),
    ]
    yield from (_plain(chance, route) for route in PLAIN)
    while True:
        yield chance.choice(makers)()


def _words(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=3))


def _question(chance: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {
        "question": _words(chance),
        "mode": chance.choice(["hybrid", "dense", "bm25"]),
        "top_k": chance.choice([1, 5, 50]),
        "explain": chance.random() < 0.3,
    }
    if chance.random() < 0.4:
        body["filters"] = chance.choice(
            [
                {"document_id": chance.sample(IDS, 2)},
                {"folder": [chance.choice(["plans", "guides", "none"])]},
                {"section": [chance.choice(["Baking", "FAQ", "none"])]},
                {"plans": "none"},
            ]
        )
    return body


def _citation(chance: random.Random, whole: Snapshot) -> dict[str, Any]:
    name, document = chance.choice([*whole.documents.items()])
    start = chance.randrange(20)
    quote = document.text[2 : chance.choice([8, 10])]
    saved = {"document_id": chance.choice([name, chance.choice(IDS)]), "sha256": document.sha256}
    saved |= {"char_start": start, "char_end": start + len(quote)}
    return {**saved, "quote": quote} if chance.random() < 0.7 else saved


def _listed(chance: random.Random) -> Sent:
    after = f"&after={chance.choice(IDS)}" if chance.random() < 0.5 else ""
    path = f"/documents?limit={chance.choice([1, 2, 100])}{after}"
    return Sent(("GET", "/documents"), path)


def _document(chance: random.Random) -> Sent:
    end, more = chance.choice(
        [("", ""), ("/file", "/file"), ("/pages/{number}.png", "/pages/1.png")]
    )
    return Sent(("GET", f"/documents/{{id:id}}{end}"), f"/documents/{chance.choice(IDS)}{more}")


def _passage(chance: random.Random, passages: Sequence[str]) -> Sent:
    return Sent(("GET", "/passages/{id}"), f"/passages/{chance.choice(passages)}")


def _opinion(chance: random.Random, passages: Sequence[str]) -> dict[str, Any]:
    body = {"question": _words(chance), "verdict": "wrong"}
    if chance.random() < 0.5:
        return {**body, "passage_id": chance.choice(passages)}
    start = chance.randrange(300)
    place = {"document_id": chance.choice(IDS), "char_start": start, "char_end": start + 5}
    return {**body, **place}


def _message(chance: random.Random, whole: Snapshot) -> dict[str, Any]:
    """A call of the Model Context Protocol."""
    tools: dict[str, dict[str, Any]] = {
        "ask": {"question": _words(chance), "top_k": chance.choice([1, 50])},
        "search": {"query": _words(chance)},
        "fetch": {"id": chance.choice([*IDS, *(passage.id for passage in whole.passages)])},
        "verify_citation": _citation(chance, whole),
        "list_documents": {"after": chance.choice(IDS)} if chance.random() < 0.5 else {},
    }
    name, arguments = chance.choice([*tools.items()])
    method, params = chance.choice(
        [
            *4 * [("tools/call", {"name": name, "arguments": arguments})],
            ("tools/list", {}),
            ("resources/list", {}),
            ("resources/read", {"uri": f"rag://documents/{chance.choice(IDS)}"}),
        ]
    )
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _adapted(chance: random.Random) -> Sent:
    """A request in the shape of another service."""
    query, top_k = _words(chance), chance.choice([1, 5, 50])
    store = chance.choice(["default", "default", "none"])
    condition = {"type": "eq", "key": "document_id", "value": chance.choice(IDS)}
    filters = {"filters": condition} if chance.random() < 0.3 else {}
    setting = {"top_k": top_k, "score_threshold": chance.choice([0, 0.5])}
    texts = {"query": query, "documents": ["blue bread", "eggs", _words(chance)]}
    return chance.choice(
        [
            Sent(
                ("POST", "/v1/vector_stores/{id}/search"),
                f"/v1/vector_stores/{store}/search",
                {"query": query, "max_num_results": top_k, **filters},
            ),
            Sent(
                ("POST", "/retrieval"),
                "/retrieval",
                {"knowledge_id": store, "query": query, "retrieval_setting": setting},
            ),
            Sent(("POST", "/v1/rerank"), "/v1/rerank", texts),
            Sent(("POST", "/v2/rerank"), "/v2/rerank", texts),
        ]
    )


def _plain(chance: random.Random, route: Route) -> Sent:
    """A request that names nothing of the documents where the route looks for it."""
    method, path = route
    body = {"key": "none"} if path == "/session" else {"path": chance.choice(IDS)}
    return Sent(route, path.replace("{id}", "x"), body if method == "POST" else None)
