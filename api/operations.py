"""How an operation is declared. What happens to a request then, and in which order, is `api.answering`.

    @group.patch("/domains/{int:domainId}", admit=managed_domain)
    def domain_change(actor: Actor, domain: Domain, body: DomainUpdate) -> None:
        '''Change some fields of a domain. …'''

`admit` takes the actor and what the path names, and answers the object (or raises Http404 or Forbidden). It is asked
before anything of the query or the body is read, and no operation can be declared without it. The operation gets the
actor, the object, and `body`, `query` and `headers` where its parameters name them. What it returns says how it is
answered: an `Answer` 200, a list of them 200 with its length, `Created` 201 with Location, `Accepted` 202, None 204; a
`stream` gives pieces of bytes. Its docstring is its documentation. Wrong declarations raise at import.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from django.db.models import QuerySet
from ninja import Router
from ninja.constants import NOT_SET
from ninja.params.models import Body as BodySource
from ninja.params.models import Path as PathSource
from ninja.params.models import Query as QuerySource
from pydantic import BaseModel, Field, TypeAdapter

from accounts.actors import Actor
from api.answering import JSON, DoorOperation, DoorPathView, inside
from api.auth import BearerOrNobody
from api.errors import NotFound
from api.listing import Listing
from api.schemas import Answer, Id

T = TypeVar("T")
A = TypeVar("A", bound=Answer)
Function = TypeVar("Function", bound=Callable[..., Any])
Admit = Callable[..., Any]
Names = Mapping[str, str]
Headers = Mapping[str, tuple[tuple[str, ...], str]]
_PLACEHOLDER = re.compile(r"\{(?:(int|path|system):)?(\w+)\}")


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """A new object (or the list of what was added), and the path below /api/v1 at which it can be read."""

    body: T
    location: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Begun; it will be done soon. No body."""


def anyone(actor: Actor) -> None:
    """`admit` for what every valid token may ask."""


def holding(right: str) -> Admit:
    """`admit` for what needs a right and no object."""

    def admit(actor: Actor) -> None:
        actor.require(right)

    return admit


@dataclass(frozen=True)
class Declared:
    """One method of one address.

    reads: the token may be one that only reads. makes: answers `Created`. headers: what may be said in headers, with
    the words each takes. is_open: needs no token; the actor may be nobody. media: what the answer is; streams: it is
    made while it is sent, so it has no version.
    """

    method: str
    path: str
    function: Callable[..., Any]
    admit: Admit
    listing: Listing[Any] | None
    status: int
    answer: Any
    body: TypeAdapter[Any] | None
    is_body_optional: bool
    takes_list: bool
    query: TypeAdapter[Any] | None
    takes_subject: bool
    takes: frozenset[str]
    reads: bool
    names: Names
    siblings: dict[str, Declared]
    makes: bool = False
    headers: Headers = field(default_factory=dict)
    is_open: bool = False
    media: str = JSON
    streams: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def writer(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.answer)

    @property
    def reader(self) -> Declared | None:
        """The GET of one object at the same address: what a version is taken from."""
        found = self.siblings.get("GET")
        return found if found is not None and found.listing is None and not found.streams else None

    @cached_property
    def admit_takes(self) -> frozenset[str]:
        """Which of the path's parameters name the object; the others go to the operation."""
        parameters = inspect.signature(self.admit).parameters
        if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            return frozenset(inside(name) for _kind, name in _PLACEHOLDER.findall(self.path))
        return frozenset(parameters) - {"actor"}

    @cached_property
    def words(self) -> dict[str, Any]:
        """The path's parameters that are one of some words: Literal types of the operation, or of who lets it in."""
        hints = get_type_hints(self.admit) | get_type_hints(self.function)
        return {name: hint for name, hint in hints.items() if name != "return" and get_origin(hint) is Literal}

    def admitted(self, actor: Actor, path: dict[str, Any]) -> Any:
        """The object that the path names. Raises: Http404, Forbidden."""
        return self.admit(actor, **{name: value for name, value in path.items() if name in self.admit_takes})

    def call(self, actor: Actor, subject: Any, path: dict[str, Any], sent: dict[str, Any]) -> Any:
        """What the operation answers to somebody admitted."""
        given = {name: value for name, value in {**path, **sent}.items() if name in self.takes}
        if any(given[name] not in get_args(hint) for name, hint in self.words.items() if name in given):
            raise NotFound()
        return self.function(actor, subject, **given) if self.takes_subject else self.function(actor, **given)


class Group(Router):
    """Operations that belong together: one tag of the document, one section of the reference.

    names: what the API calls the services' fields where it isn't their camelCase.
    """

    def __init__(self, tag: str, about: str, *, names: Names | None = None) -> None:
        super().__init__(tags=[tag])
        self.tag = tag
        self.about = about
        self.names = names or {}
        self._siblings: dict[str, dict[str, Declared]] = {}

    def get(self, path: str, *, admit: Admit) -> Callable[[Function], Function]:  # type: ignore[override]
        """Read one object, or a short list that is never paged."""
        return self._declare("GET", path, admit=admit)

    def stream(
        self, path: str, *, admit: Admit, media: str, answer: Any = str
    ) -> Callable[[Callable[..., Iterator[bytes]]], Callable[..., Iterator[bytes]]]:
        """Read something long, in pieces. What may be refused is refused before the first of them.

        answer: what the whole is, for the document.
        """

        def decorate(function: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
            hints = get_type_hints(function, include_extras=True)
            query, _ = _sent(hints.get("query"))
            declared = Declared(
                "GET",
                path,
                function,
                admit=admit,
                listing=None,
                status=200,
                answer=answer,
                body=None,
                is_body_optional=False,
                takes_list=False,
                query=TypeAdapter(query or NoQuery),
                takes_subject=_takes_subject(function, path),
                takes=frozenset(inspect.signature(function).parameters),
                reads=True,
                names=self.names,
                siblings=self._siblings.setdefault(path, {}),
                media=media,
                streams=True,
            )
            self._add(declared, body=None, query=query)
            return function

        return decorate

    def post(  # type: ignore[override]
        self,
        path: str,
        *,
        admit: Admit,
        reads: bool = False,
        status: int | None = None,
        is_open: bool = False,
        headers: Headers | None = None,
    ) -> Callable[[Function], Function]:
        """Make something, or (`reads`) ask something that takes a body. `is_open`: also without a token."""
        return self._declare("POST", path, admit=admit, reads=reads, status=status, is_open=is_open, headers=headers)

    def put(self, path: str, *, admit: Admit) -> Callable[[Function], Function]:  # type: ignore[override]
        """Replace a whole object or list."""
        return self._declare("PUT", path, admit=admit)

    def patch(  # type: ignore[override]
        self, path: str, *, admit: Admit, headers: Headers | None = None
    ) -> Callable[[Function], Function]:
        """Change what is sent and nothing else."""
        return self._declare("PATCH", path, admit=admit, headers=headers)

    def delete(  # type: ignore[override]
        self, path: str, *, admit: Admit, headers: Headers | None = None
    ) -> Callable[[Function], Function]:
        """Remove an object."""
        return self._declare("DELETE", path, admit=admit, headers=headers)

    def list(
        self, path: str, listing: Listing[A]
    ) -> Callable[[Callable[..., QuerySet[Any]]], Callable[..., QuerySet[Any]]]:
        """A paged list. The function takes the actor and the path and answers the rows that this actor may see."""

        def decorate(function: Callable[..., QuerySet[Any]]) -> Callable[..., QuerySet[Any]]:
            declared = Declared(
                "GET",
                path,
                function,
                admit=function,
                listing=listing,
                status=200,
                answer=list[listing.answer],  # type: ignore[name-defined]
                body=None,
                is_body_optional=False,
                takes_list=False,
                query=listing.adapter,
                takes_subject=True,
                takes=frozenset(),
                reads=True,
                names=self.names,
                siblings=self._siblings.setdefault(path, {}),
            )
            self._add(declared, body=None, query=listing.query)
            return function

        return decorate

    def _declare(
        self,
        method: str,
        path: str,
        *,
        admit: Admit,
        reads: bool = False,
        status: int | None = None,
        headers: Headers | None = None,
        is_open: bool = False,
    ) -> Callable[[Function], Function]:
        def decorate(function: Function) -> Function:
            hints = get_type_hints(function, include_extras=True)
            answer, usual = _answer_of(function, hints.get("return", None), method)
            body, is_optional = _sent(hints.get("body"))
            query, _ = _sent(hints.get("query"))
            declared = Declared(
                method,
                path,
                function,
                admit=admit,
                listing=None,
                status=status or usual,
                answer=answer,
                body=None if body is None else TypeAdapter(body),
                is_body_optional=is_optional,
                takes_list=_is_list(body),
                query=TypeAdapter(query or NoQuery),
                takes_subject=_takes_subject(function, path),
                takes=frozenset(inspect.signature(function).parameters),
                reads=reads or method == "GET",
                names=self.names,
                siblings=self._siblings.setdefault(path, {}),
                makes=usual == 201,
                headers=headers or {},
                is_open=is_open,
            )
            self._add(declared, body=hints.get("body"), query=query)
            return function

        return decorate

    def _add(self, declared: Declared, *, body: Any, query: type[BaseModel] | None) -> None:
        assert declared.method not in declared.siblings, f"{declared.method} {declared.path} stands twice"
        declared.siblings[declared.method] = declared
        summary, _sep, description = inspect.cleandoc(declared.function.__doc__ or "").partition("\n\n")
        assert summary, f"{declared.name} has no docstring"
        operation = DoorOperation(
            declared.path,
            [declared.method],
            _view(declared, body, query),
            response={declared.status: declared.answer},
            operation_id=declared.name,
            summary=" ".join(summary.split()).removesuffix("."),
            description=description,
            tags=[self.tag],
            by_alias=True,
            url_name=declared.name,
            auth=BearerOrNobody() if declared.is_open else NOT_SET,
        )
        path_view = self.path_operations.setdefault(declared.path, DoorPathView())
        path_view.operations.append(operation)


class NoQuery(BaseModel, extra="forbid"):
    """No parameter is known here."""


def _view(declared: Declared, body: Any, query: type[BaseModel] | None) -> Callable[..., Any]:
    """What ninja takes its document from; requests are answered by `DoorOperation`."""

    def view(request: Any, **path: Any) -> Any:
        raise AssertionError("requests are answered by DoorOperation")

    view.__name__ = view.__qualname__ = declared.name
    view.__module__ = declared.function.__module__
    arguments: list[tuple[str, Any, Any]] = []
    for kind, name in _PLACEHOLDER.findall(declared.path):
        words = declared.words.get(inside(name), Annotated[str, Field(min_length=1)])
        arguments.append((name, Id if kind == "int" else words, PathSource(...)))
    if query is not None:
        arguments.append(("query", query, QuerySource(...)))
    if body is not None:
        arguments.append(("body", body, BodySource(None if declared.is_body_optional else ...)))
    view._ninja_contribute_args = arguments  # type: ignore[attr-defined]
    view.declared = declared  # type: ignore[attr-defined]
    return view


def _answer_of(function: Callable[..., Any], hint: Any, method: str) -> tuple[Any, int]:
    """What is answered, and with which status."""
    if hint is type(None) or hint is None:
        return None, 204
    if hint is Accepted:
        return None, 202
    if get_origin(hint) is Created:
        return get_args(hint)[0], 201
    inner = get_args(hint)[0] if get_origin(hint) is list else hint
    assert inner in (str, int) or issubclass(inner, Answer), f"{function.__name__} must return an Answer"
    return hint, 200


def _sent(hint: Any) -> tuple[Any, bool]:
    """A parameter's schema without `| None`, and whether that stood there."""
    arguments = get_args(hint)
    if type(None) in arguments:
        (schema,) = [each for each in arguments if each is not type(None)]
        return schema, True
    return hint, False


def _is_list(schema: Any) -> bool:
    inner = get_args(schema)[0] if get_origin(schema) is Annotated else schema
    return get_origin(inner) is list


def _takes_subject(function: Callable[..., Any], path: str) -> bool:
    given = {"body", "query", "headers", *(inside(name) for _kind, name in _PLACEHOLDER.findall(path))}
    first, *rest = [name for name in inspect.signature(function).parameters if name not in given]
    assert first == "actor" and len(rest) <= 1, f"{function.__name__} takes (actor, object, path, body, query, headers)"
    return bool(rest)
