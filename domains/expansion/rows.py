"""What an expansion asks the database: a few statements over sets for each level, and plain rows back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from domains.models import Address


class Claim(NamedTuple):
    """What is needed of an address of ours."""

    id: int
    text: str
    kind: str
    is_enabled: bool
    keep_copy: bool
    recipients: int
    senders: str
    domain_id: int


class Place(NamedTuple):
    """What is needed of a domain of ours."""

    id: int
    name: str
    status: str
    suspended: bool
    catch_all: str
    customer_id: int | None
    unknown_recipients: str


# A claim as its row is; ten thousand of them are not made into anything else.
ClaimRow = tuple[int, str, str, bool, bool, int, str, int]
# From an address to one it delivers to: (its claim, address, claim of ours or None, mode of a subscriber).
Edge = tuple[int, str, int | None, str]


class Edges(NamedTuple):
    """Where the mail of some addresses goes next."""

    plain: dict[int, list[str]]  # source -> mailboxes in use that forward nothing
    others: list[tuple[Edge, ClaimRow | None]]  # with the claim of ours that each is


ListReader = Callable[[Sequence[int]], Iterable[Edge]]
_list_readers: list[ListReader] = []

_CLAIM = "a.id, a.text, a.kind, a.is_enabled, a.keep_copy, a.recipient_count, a.senders, a.domain_id"
_PLACE = "d.id, d.name, d.status, d.suspended_by_customer, d.catch_all, d.customer_id, d.unknown_recipients"
# Of a large group nearly all are mailboxes that keep what they get: of those the index address_mailbox_plain has all
# that is needed, and they come in one text per source, because ten thousand rows cost more to bring than to find. The
# others come in it as "<tab>address number" with the number of a claim of ours, or 0. LATERAL with OFFSET 0 looks each
# up by its key; for a large group the planner would read all addresses.
_EDGES = """
    SELECT r.address_id, string_agg(coalesce(p.text, E'\\t' || r.email || ' ' || coalesce(r.target_id, 0)), E'\\n')
    FROM domains_recipient r LEFT JOIN LATERAL (
        SELECT text FROM domains_address
        WHERE id = r.target_id AND kind = 'mailbox' AND is_enabled AND recipient_count = 0 OFFSET 0
    ) p ON true WHERE r.address_id = ANY(%s) GROUP BY r.address_id
"""
# A subselect hides the length of an array from the planner: for ten thousand ids it would read the whole table.
_BY_TEXT = f"SELECT {_CLAIM} FROM domains_address a WHERE a.text = ANY((SELECT %s::text[])::text[])"  # noqa: S608
_BY_ID = f"SELECT {_CLAIM} FROM domains_address a WHERE a.id = ANY((SELECT %s::bigint[])::bigint[])"  # noqa: S608
_PLACES_BY_ID = f"SELECT {_PLACE} FROM domains_domain d WHERE d.id = ANY(%s)"  # noqa: S608
_PLACES_BY_NAME = f"""
    SELECT n.name, {_PLACE} FROM domains_domainname n JOIN domains_domain d ON d.id = n.domain_id
    WHERE n.name = ANY(%s) AND d.status <> 'purged'
"""  # noqa: S608
_STATES = "SELECT claim_id, status FROM domains_mailbox WHERE claim_id = ANY(%s)"
# Of these addresses those that let the sender in: listed by address or domain; or a member, also by an alias.
_LISTED = "SELECT address_id FROM domains_allowedsender WHERE address_id = ANY(%s) AND value = ANY(%s)"
_MEMBER = """
    SELECT r.address_id FROM domains_recipient r
    WHERE r.address_id = ANY(%s) AND (r.email = ANY(%s) OR r.target_id IN (
        SELECT id FROM domains_address WHERE text = ANY(%s)
        UNION SELECT own.target_id FROM domains_address a JOIN domains_recipient own ON own.address_id = a.id
        WHERE a.text = ANY(%s) AND a.kind = 'alias'))
"""


def register_list_reader(read: ListReader) -> None:
    """Who keeps mailing lists tells their subscribers: (list's claim, address, claim of ours or None, mode)."""
    _list_readers[:] = [read]


def edges_of(sources: Sequence[Claim]) -> Edges:
    """All that these addresses deliver to."""
    lists = [claim.id for claim in sources if claim.kind == Address.Kind.LIST]
    others = [claim.id for claim in sources if claim.kind != Address.Kind.LIST]
    found = Edges({}, [])
    edges: list[Edge] = []
    if others:
        with connection.cursor() as cursor:
            cursor.execute(_EDGES, [others])
            for source, told in cursor.fetchall():
                lines = told.split("\n")
                found.plain[source] = [line for line in lines if line[0] != "\t"]
                edges += (_edge(source, line) for line in lines if line[0] == "\t")
    for read in _list_readers if lists else ():
        edges += read(lists)
    targets = {target for _source, _email, target, _mode in edges if target is not None}
    claims = _claims_by_id(targets) if targets else {}
    found.others.extend((edge, claims.get(edge[2]) if edge[2] is not None else None) for edge in edges)
    return found


def _edge(source: int, line: str) -> Edge:
    email, _space, number = line[1:].rpartition(" ")
    return source, email, int(number) or None, ""


def claims_by_text(texts: Collection[str]) -> dict[str, Claim]:
    """Claims by their address."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_TEXT, [list(texts)])
        return {row[1]: Claim._make(row) for row in cursor.fetchall()}


def _claims_by_id(ids: Collection[int]) -> dict[int, ClaimRow]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID, [list(ids)])
        return {row[0]: row for row in cursor.fetchall()}


def places_by_id(ids: Collection[int]) -> dict[int, Place]:
    with connection.cursor() as cursor:
        cursor.execute(_PLACES_BY_ID, [list(ids)])
        return {row[0]: Place._make(row) for row in cursor.fetchall()}


def places_by_name(names: Collection[str]) -> dict[str, Place]:
    """Domains by any of their names."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES_BY_NAME, [list(names)])
        return {row[0]: Place._make(row[1:]) for row in cursor.fetchall()}


def mailbox_states(claim_ids: Collection[int]) -> dict[int, str]:
    """The state of the mailboxes behind these claims."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [list(claim_ids)])
        return dict(cursor.fetchall())


def listing_sender(claim_ids: Collection[int], sender: Sequence[str]) -> set[int]:
    """Those of these addresses on whose list of senders one of these texts stands."""
    with connection.cursor() as cursor:
        cursor.execute(_LISTED, [list(claim_ids), list(sender)])
        return {row[0] for row in cursor.fetchall()}


def having_member(claim_ids: Collection[int], sender: Sequence[str], *, aliases: Sequence[str]) -> set[int]:
    """Those of these addresses in which one of these is a member, itself or (of `aliases`) by the mailbox it is an
    alias of.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MEMBER, [list(claim_ids), list(sender), list(sender), list(aliases)])
        return {row[0] for row in cursor.fetchall()}
