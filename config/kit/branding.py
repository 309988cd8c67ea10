"""Whose service a page looks like: name, logo, colour and words, for a host name or for a person.

An app above knows them and registers a `Finder`; without one everything looks like Postkeep. Not for who may change
them, and not for how they are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.request import split_domain_port


@dataclass(frozen=True, slots=True)
class Brand:
    """What pages and mails show, in the reader's language; empty where nobody said anything.

    colour: six hexadecimal digits, which pages put into `data-brand`; `stylesheet_url` is the sheet that answers to it.
    support_url: mailto: or https:.
    """

    name: str = ""
    colour: str = ""
    stylesheet_url: str = ""
    logo_url: str = ""
    logo_width: int = 0
    logo_height: int = 0
    greeting: str = ""
    support_text: str = ""
    support_url: str = ""


PLAIN = Brand()


class Finder(Protocol):
    """What an app above answers. Host names are lower case, without port and final dot."""

    def of_host(self, host: str) -> Brand: ...

    def of_person(self, person: Any, language: str) -> Brand: ...

    def is_served(self, host: str) -> bool: ...


_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """The app that keeps them; the last one counts."""
    _finders[:] = [finder]


def of_person(person: Any, language: str = "") -> Brand:
    """How the service looks to somebody who is signed in, or gets a mail from us; in this language, or the page's."""
    return _finders[0].of_person(person, language) if _finders else PLAIN


def of_host(host: str) -> Brand:
    """How it looks under a host name, to somebody we don't know."""
    return _finders[0].of_host(host) if _finders else PLAIN


def is_served(host: str) -> bool:
    """Whether pages are answered under this host name because a brand is shown there."""
    return bool(_finders) and _finders[0].is_served(host)


def of_request(request: HttpRequest) -> Brand:
    """How this page looks; looked up once a request. A host that we don't answer to has no brand."""
    known: Brand | None = getattr(request, "_brand", None)
    if known is None:
        known = request._brand = _find(request)  # type: ignore[attr-defined]
    return known


def host_name(raw: str) -> str:
    """The name in a Host header, "" for what is none. Source: RFC 9110 §7.2."""
    return split_domain_port(raw)[0].rstrip(".") if len(raw) <= 300 else ""


def _find(request: HttpRequest) -> Brand:
    person = getattr(getattr(request, "actor", None), "user", None)
    if person is not None:
        return of_person(person)
    try:
        return of_host(host_name(request.get_host()))
    except SuspiciousOperation:
        return PLAIN
