"""Aliases, groups and forwards. An alias leads to a user (our alias) or to an address elsewhere (our forward); a group
is our group; James's forward belongs to a user, whose own address among its targets means that they keep a copy.

Addresses are ASCII. A step that would lead back is refused, as James's clients expect; ours are cut at expansion.
"""

from __future__ import annotations

from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpResponse

from accounts.permissions import Right
from api.james import domains, users
from api.james.answers import INVALID, JamesError, arguments, body, conflict, invalid, not_found, nothing
from api.james.asking import Asked
from domains.errors import BadAddress
from domains.models import Address, Domain, Mailbox, Recipient, Status
from domains.services import aliases, claims, forwards, groups, objects
from domains.services.loops import leads_to

Kind = Address.Kind
REMEMBERED_S = 86_400
ALIAS, GROUP, MEMBER, BASE, TARGET = "alias", "group", "group member", "base forward", "target forward"


def parsed(name: str, what: str) -> str:
    """An address, which stands in the path as what? Raises: JamesError."""
    try:
        if not name.isascii():
            raise BadAddress("addresses are ASCII")
        if "@" not in name:
            raise BadAddress(f"Out of data at position 1 in '{name[:300]}'")
        return str(claims.parse(name))
    except BadAddress as error:
        raise invalid(f"The {what} is not an email address", str(error)) from error


def _rows(asked: Asked, kind: str) -> list[Address]:
    found = Address.objects.visible_to(asked.actor, Right.VIEW_USERS).filter(kind=kind)
    return list(found.exclude(domain__status__in=domains.GONE).order_by("text"))


def _find(asked: Asked, text: str, kind: str) -> Address | None:
    """The object at this address that the actor may see."""
    rows = Address.objects.select_related("domain__customer").filter(text=text, kind=kind)
    row = rows.exclude(domain__status__in=domains.GONE).first()
    return row if row is not None and asked.actor.has(Right.VIEW_USERS, row) else None


def _domain(asked: Asked, address: str) -> Domain:
    """Where an address would lie, for who may make addresses there. Raises: JamesError, Forbidden."""
    try:
        return domains.find(asked, address.partition("@")[2], need=Right.MANAGE_ADDRESSES)
    except Http404 as error:
        asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
        raise invalid(f"Source domain '{address.partition('@')[2]}' is not managed by the domainList") from error


def _require_free(asked: Asked, address: str) -> None:
    """Raises: JamesError where a user, or something of another kind, has the address."""
    kind = Address.objects.filter(text=address).values_list("kind", flat=True).first()
    if kind == Kind.MAILBOX:
        raise conflict(f"'{asked.shown(address)}' user already exist")
    if kind is not None:
        users.require_no_mapping(asked, address)
        raise conflict(f"'{address}' has already some associations")


def _require_no_loop(start: str, target: str, kind: str) -> None:
    if leads_to(target, start):
        raise conflict(
            f"Creation of redirection of {start} to {kind}:{target} would lead to a loop, operation not performed"
        )


# --- aliases ----------------------------------------------------------------------------------------------------


def list_aliased(asked: Asked) -> HttpResponse:
    """Who has aliases."""
    sources = [row.pk for kind in (Kind.ALIAS, Kind.FORWARD) for row in _rows(asked, kind)]
    found = Recipient.objects.filter(address__in=sources).values_list("email", flat=True).distinct()
    return body(sorted(found))


def list_aliases(asked: Asked) -> HttpResponse:
    target = _destination(asked)
    sources = [row.pk for kind in (Kind.ALIAS, Kind.FORWARD) for row in _rows(asked, kind)]
    found = Recipient.objects.filter(address__in=sources, email=target).values_list("address__text", flat=True)
    return body([{"source": text} for text in sorted(found)])


def _destination(asked: Asked) -> str:
    name = asked.named["user"]
    return users.full(asked, name) if "@" not in name and asked.default_domain else parsed(name, ALIAS)


def put_alias(asked: Asked) -> HttpResponse:
    source, target = parsed(asked.named["source"], ALIAS), _destination(asked)
    place = _domain(asked, source)
    if target == source:
        raise invalid("Source and destination can't be the same!")
    there = Address.objects.filter(text=source).first()
    if there is not None and there.kind in (Kind.ALIAS, Kind.FORWARD):
        if there.recipients.filter(email=target).exists():
            return nothing()
        if there.kind == Kind.FORWARD:
            forwards.add_targets(asked.actor, there, [target])
            return nothing()
    _require_free(asked, source)
    _require_no_loop(source, target, "alias")
    mailbox = Mailbox.objects.exclude(status__in=users.GONE).select_related("domain").filter(address=target).first()
    if mailbox is not None and asked.actor.has(Right.VIEW_USERS, mailbox):
        aliases.add_alias(asked.actor, mailbox, email=source)
    else:
        forwards.create_forward(asked.actor, place, email=source, targets=[target])
    return nothing()


def delete_alias(asked: Asked) -> HttpResponse:
    target, source = _destination(asked), parsed(asked.named["source"], ALIAS)
    row = _find(asked, source, Kind.ALIAS) or _find(asked, source, Kind.FORWARD)
    if row is None or not row.recipients.filter(email=target).exists():
        asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
        return nothing()
    _take_away(asked, row, target)
    return nothing()


def delete_aliases(asked: Asked) -> HttpResponse:
    """All aliases of one."""
    target = _destination(asked)
    rows = [row for kind in (Kind.ALIAS, Kind.FORWARD) for row in _rows(asked, kind)]
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    with transaction.atomic():
        for row in rows:
            if row.recipients.filter(email=target).exists():
                _take_away(asked, row, target)
    return nothing()


def _take_away(asked: Asked, row: Address, target: str) -> None:
    """A forward with other targets loses this one; what leads nowhere else goes."""
    if row.kind == Kind.FORWARD and row.recipient_count > 1:
        forwards.remove_targets(asked.actor, row, [target])
    else:
        objects.delete_address(asked.actor, row)


# --- groups -----------------------------------------------------------------------------------------------------


def list_groups(asked: Asked) -> HttpResponse:
    return body([row.text for row in _rows(asked, Kind.GROUP)])


def list_members(asked: Asked) -> HttpResponse:
    row = _find(asked, parsed(asked.named["group"], GROUP), Kind.GROUP)
    if row is None or not row.recipient_count:
        raise not_found("The group does not exist", type_=INVALID)
    return body(sorted(row.recipients.values_list("email", flat=True)))


def needs_member(asked: Asked) -> HttpResponse:
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    parsed(asked.named["group"], GROUP)
    raise invalid("A member address needs to be specified in the path")


def put_member(asked: Asked) -> HttpResponse:
    group, member = parsed(asked.named["group"], GROUP), parsed(asked.named["member"], MEMBER)
    place = _domain(asked, group)
    row = _find(asked, group, Kind.GROUP)
    if row is None:
        _require_free(asked, group)
        _require_no_loop(group, member, "group")
        groups.create_group(asked.actor, place, email=group, members=[member])
    elif not row.recipients.filter(email=member).exists():
        _require_no_loop(group, member, "group")
        groups.add_members(asked.actor, row, [member])
    return nothing()


def delete_member(asked: Asked) -> HttpResponse:
    group, member = parsed(asked.named["group"], GROUP), parsed(asked.named["member"], MEMBER)
    row = _find(asked, group, Kind.GROUP)
    if row is None:
        asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
        return nothing()
    groups.remove_members(asked.actor, row, [member])
    if not row.recipient_count:
        objects.delete_address(asked.actor, row)
    return nothing()


def delete_group(asked: Asked) -> HttpResponse:
    row = _find(asked, parsed(asked.named["group"], GROUP), Kind.GROUP)
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    if row is not None:
        objects.delete_address(asked.actor, row)
    return nothing()


def delete_groups(asked: Asked) -> HttpResponse:
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    for row in _rows(asked, Kind.GROUP):
        objects.delete_address(asked.actor, row)
    return nothing()


# --- forwards ---------------------------------------------------------------------------------------------------


def list_forwarding(asked: Asked) -> HttpResponse:
    rows = [row for row in _rows(asked, Kind.MAILBOX) if row.recipient_count]
    return body([row.text for row in rows])


def list_targets(asked: Asked) -> HttpResponse:
    base = parsed(asked.named["user"], BASE)
    row = _find(asked, base, Kind.MAILBOX)
    targets = [] if row is None else list(row.recipients.values_list("email", flat=True))
    if row is not None and (row.keep_copy if targets else cache.get(_own(row))):
        targets.append(base)
    if not targets:
        raise not_found("The forward does not exist", type_=INVALID)
    return body([{"mailAddress": each} for each in sorted(targets)])


def _base(asked: Asked) -> Mailbox:
    base = parsed(asked.named["user"], BASE)
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    rows = Mailbox.objects.exclude(status=Status.PURGED).select_related("domain__customer", "user", "claim")
    row = rows.filter(address=base).first()
    if row is None or not asked.actor.has(Right.VIEW_USERS, row):
        raise not_found("Requested base forward address does not correspond to a user", type_=INVALID)
    asked.actor.require(Right.MANAGE_ADDRESSES, row)
    return row


def needs_target(asked: Asked) -> HttpResponse:
    asked.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    parsed(asked.named["user"], BASE)
    raise invalid("A destination address needs to be specified in the path")


def put_target(asked: Asked) -> HttpResponse:
    row, target = _base(asked), parsed(asked.named["target"], TARGET)
    claim = row.claim
    assert claim is not None
    if target == claim.text and not claim.recipient_count:
        cache.set(_own(claim), True, REMEMBERED_S)  # says nothing yet: a copy is kept where nothing is forwarded
        return nothing()
    if target != claim.text:
        _require_no_loop(claim.text, target, "forward")
    if not claim.recipient_count:
        forwards.set_forwarding(asked.actor, row, [target], keep_copy=bool(cache.get(_own(claim))))
    else:
        forwards.change_targets(asked.actor, row, add=[target])
    return nothing()


def delete_target(asked: Asked) -> HttpResponse:
    parsed(asked.named["user"], BASE)
    target = parsed(asked.named["target"], TARGET)
    try:
        row = _base(asked)
    except JamesError:  # nobody forwards there, which was wanted
        return nothing()
    assert row.claim is not None
    if target == row.claim.text:
        cache.delete(_own(row.claim))
    if row.claim.recipient_count:
        forwards.change_targets(asked.actor, row, remove=[target])
    return nothing()


def _own(claim: Address) -> str:
    """Where it is noted for a day that a user who forwards nothing asked for their own copy already."""
    return f"james:own-copy:{claim.pk}"


def mappings(asked: Asked) -> HttpResponse:
    """All that leads somewhere, by source."""
    kinds = {Kind.ALIAS: "Alias", Kind.GROUP: "Group", Kind.FORWARD: "Address", Kind.MAILBOX: "Forward"}
    found: dict[str, list[dict[str, str]]] = {}
    rows = {row.pk: row for kind in kinds for row in _rows(asked, kind) if row.recipient_count}
    edges = Recipient.objects.filter(address__in=list(rows)).order_by("email").values_list("address_id", "email")
    for key, email in edges:
        row = rows[key]
        found.setdefault(row.text, []).append({"type": kinds[Kind(row.kind)], "mapping": email})
    return body(dict(sorted(found.items())))


def user_mappings(asked: Asked) -> HttpResponse:
    text = parsed(asked.named["user"], "user")
    row = next((found for kind in Kind if (found := _find(asked, text, kind))), None)
    kinds = {Kind.ALIAS: "Alias", Kind.GROUP: "Group", Kind.FORWARD: "Address", Kind.MAILBOX: "Forward"}
    if row is None or row.kind not in kinds:
        return body([])
    emails = row.recipients.order_by("email").values_list("email", flat=True)
    return body([{"type": kinds[Kind(row.kind)], "mapping": email} for email in emails])


def unsupported_mapping(asked: Asked) -> HttpResponse:
    raise arguments("This kind of mapping is set in another way here")
