"""An example for every schema of the document: what its fields say, else the plainest value that fits.

For readers and for the document's own examples; not for tests, which make their own data.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_BY_FORMAT = {"date-time": "2026-03-01T12:00:00Z", "date": "2026-03-01", "email": "user@example.org"}
# What a text is called says more than its type.
_BY_NAME = {
    "email": "user@example.org",
    "login": "user@example.org",
    "address": "user@example.org",
    "name": "example.org",
    "owner": "example.org",
    "displayName": "Ada Okafor",
    "firstname": "Ada",
    "lastname": "Okafor",
    "description": "In a few words",
    "language": "EN",
}
_DEPTH_MAX = 8


def example_of(schema: Json, schemas: Json, depth: int = 0) -> Any:
    """A value that the schema admits, mostly."""
    if "$ref" in schema:
        return example_of({**schemas[schema["$ref"].rsplit("/", 1)[-1]], **_without_ref(schema)}, schemas, depth)
    for name in ("example", "const"):
        if name in schema:
            return schema[name]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            real = [each for each in schema[name] if each.get("type") != "null"]
            return example_of(real[0], schemas, depth + 1) if real and depth < _DEPTH_MAX else None
    return _plain(schema, schemas, depth)


def _plain(schema: Json, schemas: Json, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        known = schema.get("properties", {})
        return (
            {name: _of_field(name, each, schemas, depth + 1) for name, each in known.items()}
            if depth < _DEPTH_MAX
            else {}
        )
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth + 1)] if depth < _DEPTH_MAX else []
    if kind == "string":
        return _BY_FORMAT.get(schema.get("format", ""), "text")
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "number":
        return schema.get("minimum", 1.5)
    return True if kind == "boolean" else None


def _of_field(name: str, schema: Json, schemas: Json, depth: int) -> Any:
    value = example_of(schema, schemas, depth)
    return _BY_NAME.get(name, value) if value == "text" else value


def _without_ref(schema: Json) -> Json:
    return {name: value for name, value in schema.items() if name != "$ref"}
