"""Reads of signatures: people's own, templates and rules of places, pictures, and who gets which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import Http404

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from domains.models import Address, Customer, Domain, Mailbox, Recipient
from domains.selectors import get_mailbox, mailbox_of
from gateway.models import OwnSignature, SignaturePicture, SignatureRule, SignatureSetting, SignatureTemplate
from gateway.signature_books import NESTED, PLACES, as_rule, as_template, names_person
from gateway.signatures.choosing import Book, Chosen, Own, Writing, choose

NEED = Right.MANAGE_SIGNATURES


def own_mailbox(actor: Actor) -> Mailbox:
    """The actor's mailbox. Raises: Http404."""
    found = None if actor.user is None else mailbox_of(actor.user)
    if found is None:
        raise Http404("this person has no mailbox")
    return found


def list_own(mailbox: Mailbox) -> QuerySet[OwnSignature]:
    """A person's own; rights over the mailbox are the caller's."""
    return OwnSignature.objects.filter(mailbox=mailbox)


def get_own(actor: Actor, signature_id: int) -> OwnSignature:
    """One of the actor's own, or of somebody they manage. Raises: Http404, Forbidden."""
    found = OwnSignature.objects.select_related("mailbox__user", "mailbox__domain").filter(pk=signature_id).first()
    if found is None:
        raise Http404("no such signature")
    if not _is_own(actor, found.mailbox):
        get_mailbox(actor, found.mailbox_id, need=Right.MANAGE_USERS)
    return found


def get_picture(actor: Actor, picture_id: int) -> SignaturePicture:
    """One of the actor's own, of somebody they manage, or of a place they do. Raises: Http404, Forbidden."""
    rows = SignaturePicture.objects.select_related("content", "mailbox__user", "mailbox__domain")
    found = rows.filter(pk=picture_id).first()
    if found is None:
        raise Http404("no such picture")
    if found.mailbox is None:
        if not actor.has(NEED, found):
            raise Http404("no such picture")
    elif not _is_own(actor, found.mailbox):
        get_mailbox(actor, found.mailbox.pk, need=Right.MANAGE_USERS)
    return found


def _is_own(actor: Actor, mailbox: Mailbox) -> bool:
    return mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None


def get_place(actor: Actor, level: str, object_id: int) -> ScopeRef:
    """A place whose signatures the actor manages. Raises: Http404, Forbidden."""
    if level not in (Level.SERVER, Level.CUSTOMER, Level.DOMAIN):
        raise Http404("no such place")
    place = SERVER if level == Level.SERVER else ScopeRef(Level(level), object_id)
    places.get(actor, place, NEED)
    return place


def list_templates(actor: Actor) -> QuerySet[SignatureTemplate]:
    """Of all places that the actor manages. Raises: Forbidden."""
    actor.require_somewhere(NEED)
    return SignatureTemplate.objects.visible_to(actor, NEED)


def get_template(actor: Actor, template_id: int) -> SignatureTemplate:
    """Raises: Http404."""
    found = SignatureTemplate.objects.visible_to(actor, NEED).filter(pk=template_id).first()
    if found is None:
        raise Http404("no such template")
    return found


def list_rules(actor: Actor) -> QuerySet[SignatureRule]:
    """Of all places that the actor manages. Raises: Forbidden."""
    actor.require_somewhere(NEED)
    return SignatureRule.objects.visible_to(actor, NEED).select_related("template")


def get_rule(actor: Actor, rule_id: int) -> SignatureRule:
    """Raises: Http404."""
    found = SignatureRule.objects.visible_to(actor, NEED).select_related("template").filter(pk=rule_id).first()
    if found is None:
        raise Http404("no such rule")
    return found


def list_people(actor: Actor) -> QuerySet[Mailbox]:
    """Mailboxes in places whose signatures the actor manages. Raises: Forbidden."""
    actor.require_somewhere(NEED)
    return Mailbox.objects.visible_to(actor, NEED).select_related("domain")


def get_person(actor: Actor, mailbox_id: int) -> Mailbox:
    """Raises: Http404."""
    found = Mailbox.objects.visible_to(actor, NEED).filter(pk=mailbox_id).first()
    if found is None:
        raise Http404("no such mailbox")
    return found


def worth_of(place: ScopeRef) -> tuple[str | None, str]:
    """What the place says of own signatures (None: nothing), and what counts there."""
    chain = places.chain(place)
    rows = SignatureSetting.objects.filter(_at(chain))
    said = {ScopeRef(Level(row.level), row.object_id): row.own for row in rows}
    return said.get(place), next((said[scope] for scope in chain if scope in said), Own.FIRST.value)


def _at(scopes: Iterable[ScopeRef]) -> Q:
    found = Q(pk__in=[])
    for scope in scopes:
        found |= Q(level=scope.level.value, object_id=scope.id)
    return found


# --- who gets which, for many at once ---


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody's mail gets: first messages to people elsewhere, and within."""

    outside: Chosen
    inside: Chosen


def given_to(boxes: Sequence[Mailbox], day: date) -> dict[int, Given]:
    """For each of these, by mailbox id; a number of queries that doesn't grow with them."""
    owns = {row.mailbox_id: row for row in OwnSignature.objects.filter(mailbox__in=boxes, is_default=True)}
    rows = list(SignatureRule.objects.filter(is_enabled=True).filter(_places_of(boxes)).select_related("template"))
    rows.sort(key=lambda row: (PLACES.index(Level(row.level)), row.position))
    worths = {(row.level, row.object_id): row.own for row in SignatureSetting.objects.filter(_places_of(boxes))}
    groups = _groups_of(boxes) if any(row.groups for row in rows) else {}
    found = {}
    for box in boxes:
        at = _keys(box)
        rules = (
            as_rule(row)
            for row in rows
            if (row.level, row.object_id) in at and names_person(row, box, groups.get(box.pk, frozenset()))
        )
        worth = Own(next((worths[key] for key in at if key in worths), Own.FIRST))
        own = owns.get(box.pk)
        book = Book(None if own is None else as_template(own), worth, tuple(rules))
        chosen = [choose(book, Writing("*", is_inside=inside, is_reply=False, day=day)) for inside in (False, True)]
        found[box.pk] = Given(*chosen)
    return found


def _keys(box: Mailbox) -> tuple[tuple[str, int], ...]:
    return (
        (Level.DOMAIN.value, box.domain_id), (Level.CUSTOMER.value, box.customer_id or 0), (Level.SERVER.value, 0)
    )  # fmt: skip


def _places_of(boxes: Sequence[Mailbox]) -> Q:
    domains, customers = {box.domain_id for box in boxes}, {box.customer_id for box in boxes if box.customer_id}
    return (
        Q(level=Level.SERVER)
        | Q(level=Level.DOMAIN, object_id__in=domains)
        | Q(level=Level.CUSTOMER, object_id__in=customers)
    )


def _groups_of(boxes: Sequence[Mailbox]) -> dict[int, frozenset[int]]:
    """The groups that lead to each, also by way of others."""
    above: dict[int, set[int]] = {}
    waiting = {box.claim_id for box in boxes if box.claim_id is not None}
    for _depth in range(NESTED):
        rows = Recipient.objects.filter(target__in=waiting, address__kind=Address.Kind.GROUP)
        edges = list(rows.values_list("target_id", "address_id"))
        fresh = {group for _target, group in edges} - set(above)
        for target, group in edges:
            above.setdefault(int(target or 0), set()).add(group)
        waiting = fresh
        if not waiting:
            break
    return {box.pk: frozenset(_reached(box.claim_id, above)) for box in boxes if box.claim_id is not None}


def _reached(start: int, above: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for group in above.get(waiting.pop(), ()):
            if group not in found:
                found.add(group)
                waiting.append(group)
    return found


def with_places(rows: QuerySet[SignatureTemplate]) -> QuerySet[SignatureTemplate]:
    """With the name of the place of each (`place_name`), and how many rules give it (`rule_count`)."""
    domain = Domain.objects.filter(pk=OuterRef("object_id")).values("name")
    customer = Customer.objects.filter(pk=OuterRef("object_id")).values("name")
    named = Case(
        When(level=Level.DOMAIN, then=Subquery(domain)),
        When(level=Level.CUSTOMER, then=Subquery(customer)),
        default=Value(""),
    )
    return rows.annotate(place_name=named, rule_count=Count("rules"))
