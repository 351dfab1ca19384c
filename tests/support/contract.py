"""Services whose OpenAPI schema is tried with generated requests, and what each answer must be."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import reject
from hypothesis.strategies import DrawFn, SearchStrategy, composite
from schemathesis.checks import CHECKS
from schemathesis.core.errors import InvalidSchema
from schemathesis.schemas import BaseSchema

from rag.serving.jobs import Wanted
from rag.serving.upkeep import Upkeep
from rag.types.errors import UsageError
from rag.web.problems import MEDIA_TYPE
from rag.web.state import Capacity
from service import create_app
from support.keyed import Keyed, keyed_in
from support.live_index import folder_of
from support.places import ROOT
from support.word_count_service import GUIDE, serving_of

HOSTS = frozenset({"localhost", "testserver"})
TEXTS = {"guide.md": GUIDE, "guides/dogs.md": "# Dogs\n\nDogs travel on a lead.\n"}

# A body can be too large as well as wrong (413), and no schema tells a question from blanks.
UNDECIDABLE = ("negative_data_rejection", "positive_data_acceptance")
# Without a key a wrong method gets 401, like any request.
BEHIND_THE_DOOR = ("unsupported_method",)
# No index in the folder can be made live again: that is a refusal of the schema, and no fault.
NOT_READY = ("not_a_server_error",)
# The members of a problem, and those that Dify's clients read.
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
MORE = {"error_code", "error_msg"}
# Shorter input may be a word of ours.
ECHO = 6
STACK = ("Traceback", 'File "', "site-packages", ".py:", "<class ", "object at 0x")


def no_build(path: Path, wanted: Wanted) -> Sequence[str]:
    """Fails before a process starts: a loop that ends while asyncio starts one may hang."""
    raise UsageError("no build")


@dataclass(frozen=True)
class Contract:
    """A service, its schema, its folder, and its keys, if it requires any."""

    app: FastAPI
    schema: BaseSchema
    folder: Path
    keyed: Keyed | None

    def check(self, case: schemathesis.Case[Any], kind: str = "no key") -> int:
        """Sends the request with that kind of key; returns the status.

        Fails unless the reply is as the schema says, and a refusal tells nothing that it must not.
        """
        headers = None if self.keyed is None else self.keyed.headers(kind)
        reply = case.call(headers=headers)
        left_out = UNDECIDABLE if self.keyed is None else UNDECIDABLE + BEHIND_THE_DOOR
        if reply.status_code == 503:
            left_out += NOT_READY
        excluded = [CHECKS.get_one(name) for name in left_out]
        case.validate_response(reply, excluded_checks=excluded, headers=headers)
        if reply.status_code >= 400 and reply.content:
            self._check_refusal(case, reply)
        return reply.status_code

    def _check_refusal(self, case: schemathesis.Case[Any], reply: Any) -> None:
        body = reply.json()
        assert reply.headers["content-type"] == [MEDIA_TYPE]
        assert body.keys() - MORE == MEMBERS
        told = "\n".join(strings([*body.values(), *reply.headers.values()]))
        for part in (*STACK, str(self.folder), str(ROOT)):
            assert part not in told, (part, told)
        for sent in strings([case.path_parameters, case.query, case.body]):
            assert len(sent) < ECHO or sent not in told or sent in _own_words(), (sent, told)


def contract(keys: bool = False) -> Contract:
    """A service of two documents; its index folder is empty."""
    folder = Path(tempfile.mkdtemp(prefix="rag-contract-"))
    (folder / "index").mkdir()
    atexit.register(shutil.rmtree, folder)
    keyed = keyed_in(folder) if keys else None
    upkeep = Upkeep(folder_of(folder / "index"), no_build, (folder,))
    door = None if keyed is None else keyed.door()
    # On a busy machine an answer may take longer than a user would wait, and any 5xx is a finding.
    capacity = Capacity(deadline=60.0)
    serving = serving_of(TEXTS)
    app = create_app(serving, upkeep=upkeep, hosts=HOSTS, door=door, capacity=capacity)
    headers = {} if keyed is None else keyed.headers("read")
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)

    @schema.hook
    def before_generate_case(
        _: schemathesis.HookContext, strategy: SearchStrategy[schemathesis.Case[Any]]
    ) -> SearchStrategy[schemathesis.Case[Any]]:
        return drawable(strategy)

    return Contract(app, schema, folder, keyed)


@composite
def drawable(
    draw: DrawFn, strategy: SearchStrategy[schemathesis.Case[Any]]
) -> schemathesis.Case[Any]:
    """A case that schemathesis can draw; another is drawn in the place of one that it cannot.

    About once in a thousand wrong bodies it gives up on a filter that holds filters: "Cannot
    generate an array with 1 demanded elements". No request is sent, so that is no finding.
    """
    try:
        return draw(strategy)
    except InvalidSchema as error:
        if "Cannot generate an array" not in str(error):
            raise
        reject()


@cache
def _own_words() -> str:
    """The text of the service. Generated strings are taken from it as well."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rag").rglob("*.py"))


def strings(value: Any) -> Iterator[str]:
    """All strings within JSON, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from strings(name)
            yield from strings(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from strings(member)
