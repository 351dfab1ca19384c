"""Ids in the paths of routes."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor


class IdConvertor(StringConvertor):
    """The rest of a path as an id, which may hold whatever a file name may, line ends too."""

    regex = "(?s:.*)"


def register_id() -> None:
    """Makes `{name:id}` known to the paths of routes."""
    register_url_convertor("id", IdConvertor())
