"""The first few objects that somebody means by a name, an address or parts of one: for the palette.

One query each, at the same cost among a million rows: those whose address begins so come from an index in its order;
parts of names and addresses from a trigram index, of which at most LOOKED_AT are sorted, so that what very many have
isn't read to its end. (Asked for six alone, PostgreSQL hopes to meet them by reading the table, and does so for seconds
where there are none.) Not for lists, which show all that is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit.lookups import like_escaped
from domains.models import Address, Mailbox
from domains.selectors.lists import list_own_lists

M = TypeVar("M", bound=Model)
_TRIGRAM = re.compile(r"\w{3}")
_LAST = "\ud7ff"  # what follows are surrogates, which PostgreSQL refuses
_MOST_WORDS = 5
LOOKED_AT = 1_000


def find_mailboxes(actor: Actor, text: str, limit: int) -> list[Mailbox]:
    """Users by name and address."""
    if not actor.has_somewhere(Right.VIEW_USERS):
        return []
    return _first(Mailbox.objects.visible_to(actor, Right.VIEW_USERS), "address", text, limit)


def find_addresses(actor: Actor, kind: str, text: str, limit: int) -> list[Address]:
    """Aliases, groups, forwards or lists by name and address; lists also by who owns them."""
    if not actor.has_somewhere(Right.VIEW_USERS):
        return _own_lists(actor, text, limit) if kind == Address.Kind.LIST else []
    rows = Address.objects.visible_to(actor, Right.VIEW_USERS).filter(kind=kind)
    if kind == Address.Kind.LIST:
        rows = rows.select_related("mailing_list")
    return _first(rows, "text", text, limit)


def _own_lists(actor: Actor, text: str, limit: int) -> list[Address]:
    rows = Address.objects.filter(mailing_list__in=list_own_lists(actor).values("pk"))
    named = _in_words(text, lambda word: _has_part("text", word))
    return list(rows.filter(named).select_related("mailing_list").order_by("text")[:limit])


def _first(rows: QuerySet[M], column: str, text: str, limit: int) -> list[M]:
    """Those whose address begins so, then those that have all words in address or name."""
    found = rows.filter(_begins(column, text)).order_by(column)[:limit]
    if _TRIGRAM.search(text):
        parts = _in_words(text, lambda word: _has_part(column, word))
        some = rows.filter(parts).order_by().values("pk")[:LOOKED_AT]
        found = found.union(rows.filter(pk__in=some).order_by(column)[:limit], all=True)
    once = {row.pk: row for row in found}.values()
    start = text.lower()
    return sorted(once, key=lambda row: (not str(row).startswith(start), str(row)))[:limit]


def _begins(column: str, text: str) -> Q:
    """As a range, which every index on the column serves."""
    start = text.lower()
    if start[-1] >= _LAST:
        return Q(pk__in=[])
    return Q(**{f"{column}__gte": start, f"{column}__lt": start[:-1] + chr(ord(start[-1]) + 1)})


def _in_words(text: str, condition: Callable[[str], Q]) -> Q:
    found = Q()
    for word in text.split()[:_MOST_WORDS]:
        found &= condition(word)
    return found


def _has_part(column: str, word: str) -> Q:
    return Q(**{f"{column}__contains": _ascii(word.lower())}) | Q(name__ilike=f"%{like_escaped(word)}%") & ~Q(name="")


def _ascii(word: str) -> str:
    """Domains are kept in ASCII; people type them in their own script."""
    local, at, domain = word.rpartition("@")
    if domain.isascii():
        return word
    try:
        return f"{local}{at}{canonical_domain(domain)}"
    except BadAddress:
        return word


def targets_of(actor: Actor, aliases: Iterable[Address]) -> dict[int, int]:
    """The mailboxes to which these aliases lead, where the actor sees them: {alias id: mailbox id}."""
    keys = [alias.pk for alias in aliases]
    seen = Mailbox.objects.visible_to(actor, Right.VIEW_USERS).filter(claim__reached_by__address__in=keys)
    return dict(seen.values_list("claim__reached_by__address", "pk"))
