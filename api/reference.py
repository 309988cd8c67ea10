"""The OpenAPI document as plain data for a page: groups, operations, their parameters, bodies and an example call.

Not for the document itself (`api.document`); nothing here knows an operation that isn't in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.text import slugify

from api.errors import FIRST_OF_STATUS, KINDS
from api.examples import example_of

Json = dict[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")
_DEPTH_MAX = 4
_ANCHORS = {str(kind.status): f"problem-{kind.kind}" for kind in FIRST_OF_STATUS}


@dataclass(frozen=True)
class FieldRow:
    """One line of a table of fields. `depth` indents what belongs to the field above."""

    name: str
    kind: str
    about: str
    is_required: bool = False
    depth: int = 0


@dataclass(frozen=True)
class Response:
    status: str
    about: str
    problem: str = ""  # the anchor that explains it


@dataclass(frozen=True)
class OperationText:
    """One operation as it is read."""

    name: str
    method: str
    path: str
    summary: str
    description: list[str]
    group: str
    parameters: list[FieldRow]
    body: list[FieldRow]
    answer: list[FieldRow]
    responses: list[Response]
    request_example: str
    answer_example: str
    curl: str

    @cached_property
    def words(self) -> str:
        """What the search looks through."""
        fields = " ".join(row.name for row in (*self.parameters, *self.body, *self.answer))
        return " ".join([self.method, self.path, self.summary, *self.description, self.group, fields]).lower()


@dataclass
class GroupText:
    name: str
    about: str
    operations: list[OperationText] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return slugify(self.name)


class Reference:
    """The whole document, read once. `base_url` is what the example calls begin with."""

    def __init__(self, document: Json, base_url: str) -> None:
        self.base_url = base_url
        self.document = document
        self.schemas: Json = document["components"]["schemas"]

    @cached_property
    def about(self) -> list[str]:
        return _paragraphs(self.document["info"]["description"])

    @cached_property
    def groups(self) -> list[GroupText]:
        found = {tag["name"]: GroupText(tag["name"], tag["description"]) for tag in self.document["tags"]}
        for path, methods in self.document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    operation = self._operation(method.upper(), path, methods[method])
                    found[operation.group].operations.append(operation)
        return list(found.values())

    @property
    def count(self) -> int:
        return sum(len(group.operations) for group in self.groups)

    def find(self, query: str) -> list[GroupText]:
        """The groups with those of their operations in which every word of the query stands."""
        words = query.lower().split()[:10]
        found = [
            GroupText(g.name, g.about, [op for op in g.operations if all(word in op.words for word in words)])
            for g in self.groups
        ]
        return [group for group in found if group.operations]

    def problems(self) -> list[Response]:
        """Every kind of problem, in the language of the page."""
        return [Response(str(kind.status), str(kind.title), f"problem-{kind.kind}") for kind in KINDS]

    def _operation(self, method: str, path: str, operation: Json) -> OperationText:
        body = _json_content(operation.get("requestBody", {}))
        success = next(each for status, each in operation["responses"].items() if status.startswith("2"))
        answer = _json_content(success)
        return OperationText(
            name=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            description=_paragraphs(operation.get("description", "")),
            group=operation["tags"][0],
            parameters=[self._parameter(each) for each in operation["parameters"]],
            body=list(self._fields(body.get("schema", {}))),
            answer=list(self._fields(answer.get("schema", {}))),
            responses=[self._response(status, each) for status, each in operation["responses"].items()],
            request_example=_written(body["example"]) if body else "",
            answer_example=_written(answer["example"]) if answer else "",
            curl=self._curl(method, path, operation, body),
        )

    def _parameter(self, parameter: Json) -> FieldRow:
        kind = f"{parameter['in']}, {self._kind(parameter['schema'])}"
        return FieldRow(parameter["name"], kind, parameter.get("description", ""), parameter["required"])

    def _response(self, status: str, response: Json) -> Response:
        if "$ref" not in response:
            return Response(status, response["description"])
        return Response(status, self.document["components"]["responses"][status]["description"], _ANCHORS[status])

    def _fields(self, schema: Json, depth: int = 0) -> list[FieldRow]:
        schema = self._real(schema)
        if schema.get("type") == "array":
            return self._fields(schema.get("items", {}), depth)
        found: list[FieldRow] = []
        required = schema.get("required", [])
        for name, each in schema.get("properties", {}).items():
            about = each.get("description") or self._real(each).get("description", "")
            found.append(FieldRow(name, self._kind(each), about, name in required, depth))
            if depth < _DEPTH_MAX:
                found += self._fields(each, depth + 1)
        return found

    def _real(self, schema: Json) -> Json:
        """The schema behind a reference or beside null."""
        if "$ref" in schema:
            return self._real(self.schemas[schema["$ref"].rsplit("/", 1)[-1]])
        options = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
        return self._real(options[0]) if len(options) == 1 else schema

    def _kind(self, schema: Json) -> str:
        real = self._real(schema)
        if "enum" in real:
            shown = [str(value) for value in real["enum"]]
            return " | ".join(shown[:12]) + (" …" if len(shown) > 12 else "")
        if "const" in real:
            return str(real["const"])
        kind = str(real.get("type", "any"))
        if kind == "array":
            kind = f"array of {self._kind(real.get('items', {}))}"
        elif real.get("format"):
            kind = str(real["format"])
        is_nullable = any(each.get("type") == "null" for each in schema.get("anyOf", []))
        return f"{kind} or null" if is_nullable else kind

    def _curl(self, method: str, path: str, operation: Json, body: Json) -> str:
        query: dict[str, Any] = {}
        for parameter in operation["parameters"]:
            example = example_of(parameter["schema"], self.schemas)
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(str(example), safe="@"))
            elif parameter["in"] == "query" and parameter["required"]:
                query[parameter["name"]] = example
        address = self.base_url + path + (f"?{urlencode(query)}" if query else "")
        lines = [f"curl {'' if method == 'GET' else f'-X {method} '}{address}", '-H "Authorization: Bearer $TOKEN"']
        if body:
            text = json.dumps(body["example"], ensure_ascii=False).replace("'", "'\\''")
            lines += ['-H "Content-Type: application/json"', f"-d '{text}'"]
        return " \\\n  ".join(lines)


def _json_content(part: Json) -> Json:
    found: Json = part.get("content", {}).get("application/json", {})
    return found


def _written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
