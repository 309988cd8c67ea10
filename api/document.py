"""The OpenAPI 3.1 document: ninja's, with what it doesn't know (problems, headers, examples), and without what it
invents.

The same for everybody: it says what exists, never what there is. Not for the page that shows it (`api.views`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import translation
from ninja.openapi.schema import OpenAPISchema

from api.answering import JSON
from api.errors import FIRST_OF_STATUS, ApiError
from api.examples import example_of
from api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from api.door import Door
    from api.operations import Declared

Json = dict[str, Any]

ABOUT = """
Everything that the pages of Postkeep do with the directory, for programs. The same rights apply: a token can do what
its person can, and no more.

**Sign in** with `Authorization: Bearer …`; tokens are made under “My account”, with `POST /admins/{adminId}/tokens`, or
for some hours with a name and a password by `POST /token`. A cookie opens nothing here.

**Lists** take `offset` and `pageSize` (40 without it, at most 1,000) and say their length in `X-Total-Count`, up to
10,000; where there are more, `X-Total-Capped: true` says so. Where more follows, the header `Link` (`rel="next"`) has
the address that goes on; it holds a cursor, which also reaches beyond the first 10,000 rows, where an offset is
refused. `cursor=start` begins. Several filters narrow together; `*` at the start, the end or both ends of a text stands
for anything. `sort=-name` reverses.

**Changes** with PATCH touch only the fields that are sent; `null` resets a field to what it inherits, or empties it.
Single objects have an `ETag`: send it as `If-None-Match` to learn that nothing has changed, or as `If-Match` with a
change to be told (412) when somebody else was faster.

**What takes time** is a task: the answer is 202 with the task, and `GET /tasks/{taskId}` says how far it is.

**Moments** are ISO 8601 with a zone, **ids** whole numbers, **languages** two capital letters.

**Errors** are `application/problem+json` (RFC 9457). `errors` names the fields, `requestId` stands in the server's
log. An object that doesn't exist and one that isn't yours are the same 404. The right is asked before the content is
looked at.
""".strip()

ALWAYS = (401, 406, 429, 500, 503)
_HEADERS: Json = {
    "X-Total-Count": {
        "description": "How many there are in all, at most 10,000.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-Total-Capped": {
        "description": "There are more than X-Total-Count.",
        "schema": {"type": "string", "enum": ["true"]},
        "required": False,
    },
    "Link": {"description": 'The address that goes on, with rel="next".', "schema": {"type": "string"}},
    "ETag": {"description": "The version of this object.", "schema": {"type": "string"}},
    "Location": {"description": "Where the new object can be read.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "The request's id in the server's log.", "schema": {"type": "string"}},
}
_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong this time, in a sentence."},
        "instance": {"type": "string", "description": "The path that was asked."},
        "requestId": {"type": "string", "description": "Stands in the server's log."},
        "errors": {
            "type": "array",
            "description": "The fields that aren't right.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Its path, as platforms[0].transportPort."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": "/api/v1/#problem-invalid",
            "title": "The request's content isn't right",
            "status": 422,
            "detail": "email: An e-mail address has the form name@example.org.",
            "instance": "/api/v1/users",
            "requestId": "5f0c9a7be112",
            "errors": [{"field": "email", "detail": "An e-mail address has the form name@example.org."}],
        }
    ],
}


def of(door: Door) -> Json:
    """The whole document, ready for JSON, in English."""
    with translation.override("en"):
        return _whole(door)


def _whole(door: Door) -> Json:
    found: Json = dict(OpenAPISchema(door, "/api/v1/"))
    found["tags"] = [{"name": group.tag, "description": group.about} for group in door.groups]
    found.pop("servers", None)
    components = found["components"]
    components["schemas"]["Problem"] = _PROBLEM
    components["headers"] = _HEADERS
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An access token; it begins with pk_."}
    }
    components["responses"] = {str(kind.status): _problem_response(kind) for kind in FIRST_OF_STATUS}
    for schema in components["schemas"].values():
        _without_titles(schema)
    by_name = {declared.name: declared for declared in door.declared}
    for methods in found["paths"].values():
        for operation in methods.values():
            _complete(operation, by_name[operation["operationId"]], components["schemas"])
    return found


def _without_titles(schema: Any) -> None:
    """Takes away the titles that pydantic makes of the fields' names."""
    if isinstance(schema, list):
        for each in schema:
            _without_titles(each)
    elif isinstance(schema, dict):
        for each in schema.get("properties", {}).values():
            if isinstance(each, dict):
                each.pop("title", None)
        for each in schema.values():
            _without_titles(each)


def _problem_response(kind: type[ApiError]) -> Json:
    found: Json = {
        "description": str(kind.title),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if kind.status in (429, 503):
        found["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    if kind.status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if kind.status == 405:
        found["headers"] = {"Allow": {"schema": {"type": "string"}}}
    return found


def _complete(operation: Json, declared: Declared, schemas: Json) -> None:
    operation["security"] = [{"token": []}, {}] if declared.is_open else [{"token": []}]
    own = [_parameter(each) for each in operation["parameters"]]
    operation["parameters"] = own + _conditions(declared) + _own_headers(declared)
    success = operation["responses"].pop(declared.status)
    if declared.media != JSON:
        success["content"] = {declared.media: {"schema": {"type": "string"}, "example": "text"}}
    success["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _headers_of(declared)}
    operation["responses"] = {str(declared.status): success}
    if _is_single(declared):
        operation["responses"]["304"] = {"description": "Nothing has changed since If-None-Match."}
    for status in sorted(problems_of(declared)):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content.setdefault("example", example_of(content["schema"], schemas))
    for content in success.get("content", {}).values():
        content.setdefault("example", example_of(content["schema"], schemas))


def _parameter(parameter: Json) -> Json:
    """Without what ninja repeats from the schema, and never null: a parameter that isn't meant is left out."""
    schema = dict(parameter["schema"])
    if "anyOf" in schema:
        (real,) = [each for each in schema.pop("anyOf") if each != {"type": "null"}]
        schema |= real
    for name in ("title", "description", "default"):
        schema.pop(name, None)
    return {**{k: v for k, v in parameter.items() if k not in ("example", "examples")}, "schema": schema}


def _conditions(declared: Declared) -> list[Json]:
    names = ["If-None-Match"] if _is_single(declared) else []
    names += ["If-Match"] if not declared.reads and declared.reader is not None else []
    about = {
        "If-None-Match": "Answer 304 without a body when this is still the object's ETag.",
        "If-Match": "Refuse with 412 when this isn't the object's ETag any more.",
    }
    return [
        {"in": "header", "name": name, "required": False, "description": about[name], "schema": {"type": "string"}}
        for name in names
    ]


def _own_headers(declared: Declared) -> list[Json]:
    return [
        {
            "in": "header",
            "name": name,
            "required": False,
            "description": about,
            "schema": {"type": "string", "enum": list(words)},
        }
        for name, (words, about) in declared.headers.items()
    ]


def _is_single(declared: Declared) -> bool:
    return declared.method == "GET" and declared.listing is None and not declared.streams


def _headers_of(declared: Declared) -> list[str]:
    found = ["X-Request-ID"]
    if declared.listing is not None:
        found += ["X-Total-Count", "X-Total-Capped", "Link"]
    elif _is_single(declared):
        found += ["ETag"]
    if declared.makes:
        found += ["Location"]
    return found


def problems_of(declared: Declared) -> set[int]:
    """The statuses that this operation may answer beside its own."""
    found = {*ALWAYS, 403, 404, 422}
    if declared.body is not None:
        found |= {400, 409, 413, 415}
    if not declared.reads:
        found |= {409, 412}
    if "{system:" in declared.path and not declared.reads:
        found.add(405)  # the same address with a folder of the archive can only be read
    return found
