"""The API reference as a page: the OpenAPI description in HTML, without script or network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/favicon.svg">
</head>
<body>
<main class="api">
<h1>{title}</h1>
<p>{description} This page shows what <a href="/openapi.json">/openapi.json</a> says;
<a href="/">ask a question</a>.</p>
{parts}
</main>
</body>
</html>
"""


def reference(description: Mapping[str, Any]) -> str:
    """The HTML page of an OpenAPI 3.1 description: its operations, then its schemas."""
    operations = (
        _operation(method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    schemas = (_schema(name, each) for name, each in description["components"]["schemas"].items())
    return _PAGE.format(
        title=escape(f"{description['info']['title']}: API {description['info']['version']}"),
        description=escape(description["info"].get("description", "")),
        parts="\n".join([*operations, "<h2>Schemas</h2>", *schemas]),
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [
        _row(each["name"], each["schema"], each.get("required", False))
        for each in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    lines = [
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>",
        _prose(operation.get("description", "")),
        _table("Parameter", rows),
        f"<p>Body: {_type(body['schema'])}</p>" if body else "",
        "<ul>",
        *(f"<li>{_response(*each)}</li>" for each in sorted(operation["responses"].items())),
        "</ul>",
    ]
    return "\n".join(line for line in lines if line)


def _response(status: str, response: Mapping[str, Any]) -> str:
    content = response.get("content", {}).get("application/json", {})
    kind = f": {_type(content['schema'])}" if content.get("schema") else ""
    return f"<code>{escape(status)}</code> {escape(response['description'])}{kind}"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    rows = [_row(each, properties[each], each in required) for each in properties]
    examples = (
        f"<pre>{escape(json.dumps(example, ensure_ascii=False, indent=1))}</pre>"
        for example in schema.get("examples", ())
    )
    head = f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
    parts = (head, _prose(schema.get("description", "")), _table("Field", rows), *examples)
    return "\n".join(part for part in parts if part)


def _table(what: str, rows: list[str]) -> str:
    if not rows:
        return ""
    head = f"<tr><th>{what}</th><th>Type</th><th>Meaning</th></tr>"
    return "\n".join(["<table>", head, *rows, "</table>"])


def _row(name: str, schema: Mapping[str, Any], required: bool) -> str:
    said = [schema.get("description", ""), _bounds(schema), "required" if required else ""]
    if schema.get("default") is not None and not required:
        said.append(f"default {json.dumps(schema['default'])}")
    notes = escape("; ".join(each for each in said if each))
    return f"<tr><td><code>{escape(name)}</code></td><td>{_type(schema)}</td><td>{notes}</td></tr>"


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = (schema.get(name) for name in ("minimum", "maximum"))
    return "" if low is None and high is None else f"{low} to {high}"


def _type(schema: Mapping[str, Any]) -> str:
    """The type in a word or two; a schema of its own as a link to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and "properties" not in schema:
        return " or ".join(map(_type, choices))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(escape(json.dumps(each)) for each in schema["enum"])
    return escape(str(schema.get("const") or schema.get("type", "anything")))


def _prose(text: str) -> str:
    paragraphs = (" ".join(each.split()) for each in text.split("\n\n"))
    return "\n".join(f"<p>{escape(each)}</p>" for each in paragraphs if each)
