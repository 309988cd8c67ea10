"""What happens to every request, in one order that no operation can change:

token (401) · rate (429) · form of the answer (406) · object and right (404, 403) · a reading token that would write
(403) · query and body (415, 400, 422) · If-Match (412) · the operation itself.

So nothing of a body is looked at for somebody who may not do what they ask, and a foreign object looks like none.
Not for what operations do, nor for their declaration (`api.operations`).
Source: RFC 9110 §9.3 (methods), §13 (conditional requests), RFC 9457 (problems).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from ninja.operation import Operation, PathView
from pydantic import ValidationError

from accounts.actors import Actor
from api import problems
from api.errors import Fault, Invalid, MethodNotAllowed, NotAcceptable, NotAllowed, NotFound, PreconditionFailed
from api.listing import next_link
from api.reading import read_body, read_query
from api.schemas import MAX_ID

if TYPE_CHECKING:
    from api.operations import Declared

JSON = "application/json"
PREFIX = "/api/v1"


class DoorPathView(PathView):
    """All methods of one address."""

    def clone(self) -> DoorPathView:
        cloned = DoorPathView()
        cloned.operations = [operation.clone() for operation in self.operations]
        return cloned

    def get_view(self) -> Callable[..., HttpResponseBase]:
        def view(request: HttpRequest, **path: Any) -> HttpResponseBase:
            return self._answer(request, path)

        view.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie opens anything here
        view.login_required = False  # type: ignore[attr-defined]  # a token does
        return view

    @property
    def allowed(self) -> list[str]:
        methods = {method for operation in self.operations for method in operation.methods}
        return sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))

    def _answer(self, request: HttpRequest, path: dict[str, Any]) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method
        operation = next((each for each in self.operations if method in each.methods), None)
        if operation is not None:
            response = operation.run(request, **path)
        elif method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed)})
        else:
            response = problems.respond(request, MethodNotAllowed(headers={"Allow": ", ".join(self.allowed)}))
        response.setdefault("Cache-Control", "private, no-cache" if method == "GET" else "no-store")
        patch_vary_headers(response, ["Authorization", "Accept-Language"])
        return response


class DoorOperation(Operation):
    """One method of one address, answered in the order of this module."""

    def run(self, request: HttpRequest, **path: Any) -> HttpResponseBase:
        declared: Declared = self.view_func.declared  # type: ignore[attr-defined]
        refused = self._run_checks(request)  # puts the actor into request.auth
        if refused is not None:
            return refused
        try:
            return answer(request, declared, request.auth, path)  # type: ignore[attr-defined]
        except Exception as error:
            return problems.respond(request, error, declared.names, of_list=declared.takes_list)


def answer(request: HttpRequest, declared: Declared, actor: Actor, path: dict[str, Any]) -> HttpResponseBase:
    """Answer one request of a known actor. Raises what services, selectors and this door raise."""
    if not request.accepts(declared.media):
        raise NotAcceptable(_("Answers are %(media)s.") % {"media": declared.media})
    named = _named(path)
    subject = declared.admitted(actor, named)
    if declared.listing is not None:
        return _list(request, declared, actor, subject)
    if not declared.reads and actor.read_only:
        raise NotAllowed(_("This token only reads."))
    sent = _sent(request, declared)
    if declared.streams:
        return _streamed(declared, declared.call(actor, subject, named, sent))
    if declared.method == "GET":
        return _single(request, declared, declared.call(actor, subject, named, sent))
    if "If-Match" not in request.headers or declared.is_open:  # a wrong password must be counted, never rolled back
        return _written(declared, declared.call(actor, subject, named, sent))
    with transaction.atomic():
        _lock(subject)
        subject = declared.admitted(actor, named)
        _require_version(request, declared, actor, named)
        return _written(declared, declared.call(actor, subject, named, sent))


def inside(name: str) -> str:
    """domainId → domain_id."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _named(path: dict[str, Any]) -> dict[str, Any]:
    """The path's parameters by their names inside; what no column can hold names no object."""
    for value in path.values():
        if value > MAX_ID if isinstance(value, int) else "\0" in value:
            raise NotFound()
    return {inside(name): value for name, value in path.items()}


def _sent(request: HttpRequest, declared: Declared) -> dict[str, Any]:
    """Query and body; the faults of both are told together."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    if declared.query is not None:
        try:
            found["query"] = read_query(request.GET, declared.query)
        except Invalid as error:
            faults += error.faults
    faults += _wrong_headers(request, declared)
    found["headers"] = {name: request.headers[name] for name in declared.headers if name in request.headers}
    if declared.body is not None:
        try:
            found["body"] = read_body(request, declared.body, is_optional=declared.is_body_optional)
        except Invalid as error:
            if not error.faults:
                raise
            faults += error.faults
    if faults:
        raise Invalid.of(faults)
    return found


def _wrong_headers(request: HttpRequest, declared: Declared) -> list[Fault]:
    """Headers of the operation's own that say something else than one of their words."""
    given = {name: request.headers[name] for name in declared.headers if name in request.headers}
    text = _("Only this is understood: %(words)s. Else leave the header out.")
    return [
        Fault(name, text % {"words": ", ".join(declared.headers[name][0])})
        for name, value in given.items()
        if value.strip().lower() not in declared.headers[name][0]
    ]


def _list(request: HttpRequest, declared: Declared, actor: Actor, rows: Any) -> HttpResponse:
    assert declared.listing is not None
    page = declared.listing.page(request, rows)
    response = _json(declared, declared.listing.present(actor, page.rows))
    if page.total is not None:
        response["X-Total-Count"] = str(page.total)
        if page.capped:
            response["X-Total-Capped"] = "true"
    if page.next_cursor:
        response["Link"] = next_link(request, page.next_cursor)
    return response


def _single(request: HttpRequest, declared: Declared, value: Any) -> HttpResponse:
    response = _json(declared, value)
    response["ETag"] = _version(response.content)
    if isinstance(value, list):
        response["X-Total-Count"] = str(len(value))
    known = request.headers.get("If-None-Match")
    if known is not None and _names(known, response["ETag"], weak=True):
        unchanged = HttpResponse(status=304)
        unchanged["ETag"] = response["ETag"]
        return unchanged
    return response


def _streamed(declared: Declared, pieces: Iterable[bytes]) -> HttpResponseBase:
    kind = declared.media if declared.media == JSON else f"{declared.media}; charset=utf-8"
    return StreamingHttpResponse(pieces, content_type=kind, headers={"X-Content-Type-Options": "nosniff"})


def _written(declared: Declared, value: Any) -> HttpResponse:
    if declared.answer is None:
        return HttpResponse(status=declared.status)
    if not declared.makes:
        return _json(declared, value)
    response = _json(declared, value.body)
    if value.location:
        response["Location"] = PREFIX + value.location
    return response


def _json(declared: Declared, value: Any) -> HttpResponse:
    return HttpResponse(declared.writer.dump_json(value, by_alias=True), status=declared.status, content_type=JSON)


def _version(content: bytes) -> str:
    """A strong validator: the same bytes and only they have it."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def _names(header: str, version: str, *, weak: bool) -> bool:
    """Whether a list of validators names this version. A weak one counts for If-None-Match only."""
    if header.strip() == "*":
        return True
    given = re.findall(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")', header)
    return any(tag == version and (weak or not mark) for mark, tag in given)


def _require_version(request: HttpRequest, declared: Declared, actor: Actor, named: dict[str, Any]) -> None:
    """Raises: PreconditionFailed, unless the object is as If-Match says."""
    if request.headers["If-Match"].strip() == "*":
        return
    reader = declared.reader
    sent = None if reader is None else _asked_plainly(reader)
    if reader is None or sent is None:
        raise PreconditionFailed(_("Nothing at this address has a version to compare with; leave out If-Match."))
    content = _json(reader, reader.call(actor, reader.admitted(actor, named), named, sent)).content
    if not _names(request.headers["If-Match"], _version(content), weak=False):
        raise PreconditionFailed(_("Somebody has changed the object since you read it; read it again."))


def _asked_plainly(reader: Declared) -> dict[str, Any] | None:
    """How an object is read without any query; None where its reader must be told more (of which place)."""
    try:
        return {} if reader.query is None else {"query": reader.query.validate_python({})}
    except ValidationError:
        return None


def _lock(subject: Any) -> None:
    """Hold off other writers until this transaction ends."""
    if isinstance(subject, models.Model):
        type(subject)._base_manager.select_for_update().filter(pk=subject.pk).first()
