"""Keeps what people remember about pages (columns, rows, saved views) with the person, so that it follows them.

Nothing of it is an event of the audit trail: it decides no right, and nobody else sees it. Who acts as somebody leaves
that person's alone; what they set meanwhile stays in their browser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.actors import Actor
from accounts.models import Preference, User
from config.kit.preferences import CookieStore, TooMuch

MOST_KEYS = 200  # pages of one person
MOST_BYTES = 64 * 1024  # of one page: twenty views of two thousand signs


class PersonStore:
    """A `config.kit.preferences.PreferenceStore`: a row for each person and page, one query to read it."""

    def load(self, request: HttpRequest, key: str) -> Mapping[str, Any]:
        person = _person(request)
        if person is None:
            return _IN_BROWSER.load(request, key)
        found = Preference.objects.filter(user=person, key=key).values_list("value", flat=True).first()
        return found if isinstance(found, dict) else {}

    def save(self, request: HttpRequest, response: HttpResponse, key: str, value: Mapping[str, Any]) -> None:
        person = _person(request)
        if person is None:
            _IN_BROWSER.save(request, response, key, value)
            return
        keep(person, key, value)


def keep(person: User, key: str, value: Mapping[str, Any]) -> None:
    """What this person remembers under this key from now on; an empty value forgets. Raises: TooMuch."""
    rows = Preference.objects.filter(user=person)
    if not value:
        rows.filter(key=key).delete()
        return
    text = json.dumps(value).replace("\\u0000", "")  # which PostgreSQL's JSON can't hold
    if rows.exclude(key=key).count() >= MOST_KEYS or len(text) > MOST_BYTES:
        raise TooMuch(key)
    rows.update_or_create(user=person, key=key, defaults={"value": json.loads(text)})


_IN_BROWSER = CookieStore()


def _person(request: HttpRequest) -> User | None:
    actor = getattr(request, "actor", None)
    return actor.user if isinstance(actor, Actor) and actor.acting is None and not actor.read_only else None
