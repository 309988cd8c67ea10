"""Mailing lists and their subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Address, Answer, Body, Id, Moment, left_out
from api.v1 import subjects
from domains.models import Domain, Mailbox, MailingList, Subscriber
from domains.selectors.lists import get_list, get_subscriber, list_lists, list_own_lists, list_subscribers
from domains.services import objects
from domains.services.lists import settings, subscribing
from domains.services.readdressing import rename_address

NAMES = {"owner": "ownerId"}
group = Group("Mailing lists", "Lists with an owner, subscribers with modes, moderation and bounces.", names=NAMES)

Subscribing = Literal["NOBODY", "CONFIRMED", "MODERATED", "ANYBODY"]
Posting = Literal["OWNER", "SUBSCRIBERS", "MODERATED", "ANYBODY"]
ReplyTo = Literal["SENDER", "LIST", "OWNER"]
Mode = Literal["FEED", "DIGEST", "INDEX", "NULL", "BANNED"]
SubscriberState = Literal["UNCONFIRMED", "WAITING", "SUBSCRIBED", "PAUSED"]
SubscriberPosting = Literal["NORMAL", "UNMODERATED", "MODERATED", "PROHIBITED", "SPECIAL"]
Words = Annotated[str, Field(max_length=4_000)]


class ListChange(Body):
    """Fields left out stay."""

    email: Address = left_out()
    owner_id: Annotated[Id, Field(description="A user of the same domain.")] = left_out()
    name: Annotated[str, Field(max_length=200)] = left_out()
    description: Annotated[str, Field(max_length=1_000)] = left_out()
    enabled: bool = left_out()
    subscribing: Annotated[Subscribing, Field(description="Who may subscribe by themselves.")] = left_out()
    posting: Annotated[Posting, Field(description="Who may post.")] = left_out()
    first_moderated: Annotated[int, Field(ge=0, le=1_000, description="So many first messages wait.")] = left_out()
    reply_to: ReplyTo = left_out()
    subject_prefix: Annotated[str, Field(max_length=60)] = left_out()
    header: Words = left_out()
    footer: Words = left_out()
    max_message_bytes: Annotated[int, Field(ge=1, le=1 << 40)] | None = None
    bounces_allowed: Annotated[int, Field(ge=0, le=1_000)] = left_out()
    confirm_hours: Annotated[int, Field(ge=1, le=24 * 30)] = left_out()


class ListAdd(ListChange):
    """The address and the owner are needed."""

    email: Annotated[Address, Field(examples=["news@example.org"])]
    owner_id: Id


class ListAnswer(Answer):
    """A mailing list."""

    id: int
    domain_id: int
    email: str
    owner_id: int | None
    owner_email: str
    name: str
    description: str
    enabled: bool
    subscribing: Subscribing
    posting: Posting
    first_moderated: int
    reply_to: ReplyTo
    subject_prefix: str
    header: str
    footer: str
    max_message_bytes: int | None
    bounces_allowed: int
    confirm_hours: int
    subscribers_count: int


class SubscriberAnswer(Answer):
    """Somebody on a list, or on the way to it."""

    id: int
    email: str
    name: str
    mode: Mode
    state: SubscriberState
    posting: SubscriberPosting
    moderate_next: int
    posts: int
    bounces: int
    last_bounce_at: Moment | None
    subscribed_at: Moment


class SubscriberChange(Body):
    """Fields left out stay."""

    mode: Mode = left_out()
    posting: SubscriberPosting = left_out()
    moderate_next: Annotated[int, Field(ge=0, le=1_000)] = left_out()


def present(row: MailingList) -> ListAnswer:
    words: dict[str, Any] = {
        "subscribing": row.subscribing.upper(),
        "posting": row.posting.upper(),
        "reply_to": row.reply_to.upper(),
    }
    return ListAnswer(
        id=row.pk,
        domain_id=row.address.domain_id,
        email=row.address.text,
        owner_id=row.owner.user_id,
        owner_email=row.owner.address,
        name=row.address.name,
        description=row.address.description,
        enabled=row.address.is_enabled,
        first_moderated=row.first_moderated,
        subject_prefix=row.subject_prefix,
        header=row.header,
        footer=row.footer,
        max_message_bytes=row.max_message_bytes,
        bounces_allowed=row.bounces_allowed,
        confirm_hours=row.confirm_hours,
        subscribers_count=row.subscriber_count,
        **words,
    )


def _present_subscriber(row: Subscriber) -> SubscriberAnswer:
    words: dict[str, Any] = {
        "mode": row.mode.upper(), "state": row.state.upper(), "posting": row.posting.upper(),
    }  # fmt: skip
    return SubscriberAnswer(
        id=row.pk,
        email=row.email,
        name=row.name,
        moderate_next=row.moderate_next,
        posts=row.posts,
        bounces=row.bounces,
        last_bounce_at=row.last_bounce_at,
        subscribed_at=row.subscribed_at,
        **words,
    )


def _present_all(actor: Actor, rows: Sequence[MailingList]) -> list[ListAnswer]:
    return [present(row) for row in rows]


def _present_subscribers(actor: Actor, rows: Sequence[Subscriber]) -> list[SubscriberAnswer]:
    return [_present_subscriber(row) for row in rows]


LISTS = Listing(
    ListAnswer,
    _present_all,
    sorts={"email": "address__text", "id": "pk"},
    default="email",
    filters={
        "email": filters.text("address__text", "The list's address.", canonical=True, many=True),
        "name": filters.text("address__name", "What it is called.", many=True),
        "ownerId": filters.number("owner__user", "The owner."),
    },
)
SUBSCRIBERS = Listing(
    SubscriberAnswer,
    _present_subscribers,
    sorts={"email": "email", "id": "pk"},
    default="email",
    filters={
        "email": filters.text("email", "The subscriber's address.", canonical=True),
        "state": filters.choice("state", "The state.", {each.value.upper(): each.value for each in Subscriber.State}),
        "mode": filters.choice("mode", "What they get.", {each.value.upper(): each.value for each in Subscriber.Mode}),
    },
)


def _seen(actor: Actor, list_id: int) -> MailingList:
    return get_list(actor, list_id)


def _managed(actor: Actor, list_id: int) -> MailingList:
    found = get_list(actor, list_id)
    settings.require_managing(actor, found)
    return found


def _removable(actor: Actor, list_id: int) -> MailingList:
    found = get_list(actor, list_id)
    actor.require(Right.MANAGE_LISTS, found)
    return found


@group.list("/lists", LISTS)
def lists_all(actor: Actor) -> QuerySet[MailingList]:
    """List the mailing lists of all domains one sees."""
    return list_lists(actor)


@group.list("/me/lists", LISTS)
def lists_own(actor: Actor) -> QuerySet[MailingList]:
    """List the mailing lists one owns."""
    return list_own_lists(actor)


@group.list("/domains/{int:domainId}/lists", LISTS)
def list_list(actor: Actor, domain_id: int) -> QuerySet[MailingList]:
    """List a domain's mailing lists."""
    domain = subjects.domain()(actor, domain_id)
    actor.require(Right.VIEW_USERS, domain)
    return list_lists(actor).filter(address__domain=domain)


@group.post("/domains/{int:domainId}/lists", admit=subjects.domain(Right.MANAGE_LISTS))
def list_create(actor: Actor, domain: Domain, body: ListAdd) -> Created[ListAnswer]:
    """Make a mailing list."""
    values = _values(body)
    enabled = values.pop("is_enabled", True)
    with transaction.atomic():
        made = settings.create_list(actor, domain, email=body.email, owner=_owner(domain, body.owner_id), **values)
        if not enabled:
            objects.set_enabled(actor, made.address, enabled=False)
    return Created(present(made), f"/lists/{made.pk}")


@group.get("/lists/{int:listId}", admit=_seen)
def list_detail(actor: Actor, found: MailingList) -> ListAnswer:
    """Read a mailing list.

    Its owner may, too.
    """
    return present(found)


@group.patch("/lists/{int:listId}", admit=_managed)
def list_change(actor: Actor, found: MailingList, body: ListChange) -> None:
    """Change some fields of a mailing list.

    Its owner may, except for its address and whether it is enabled.
    """
    given = body.model_fields_set
    values = _values(body)
    enabled = values.pop("is_enabled", None)
    if "owner_id" in given:
        values["owner"] = _owner(found.address.domain, body.owner_id)
    with transaction.atomic():
        if "email" in given:
            rename_address(actor, found.address, email=body.email)
        if values:
            settings.update_list(actor, found, values)
        if enabled is not None:
            objects.set_enabled(actor, found.address, enabled=enabled)


@group.delete("/lists/{int:listId}", admit=_removable)
def list_delete(actor: Actor, found: MailingList) -> None:
    """Delete a mailing list with its subscribers."""
    objects.delete_address(actor, found.address)


def _owner(domain: Domain, key: int) -> Mailbox:
    return subjects.named("ownerId", lambda: subjects.one(domain.mailboxes.all(), key, by="user"))


def _values(body: ListChange) -> dict[str, Any]:
    given = {name: value for name, value in body.changes().items() if name not in ("email", "owner_id")}
    lowered = {name: given[name].lower() for name in ("subscribing", "posting", "reply_to") if name in given}
    if "enabled" in given:
        given["is_enabled"] = given.pop("enabled")
    return given | lowered


# --- subscribers ------------------------------------------------------------------------------------------------------


@group.list("/lists/{int:listId}/subscribers", SUBSCRIBERS)
def subscriber_list(actor: Actor, list_id: int) -> QuerySet[Subscriber]:
    """List the subscribers of a mailing list, and who asked to be."""
    return list_subscribers(actor, _seen(actor, list_id))


Addresses = Annotated[list[Address], Field(max_length=100_000)]


@group.post("/lists/{int:listId}/subscribers", admit=_managed)
def subscriber_add(actor: Actor, found: MailingList, body: Addresses) -> Created[list[SubscriberAnswer]]:
    """Put people on a mailing list without asking them.

    Answers those that were added; who is on it already stays as they are.
    """
    added = subscribing.add_subscribers(actor, found, body)
    rows = found.subscribers.filter(email__in=added)
    return Created([_present_subscriber(row) for row in rows], f"/lists/{found.pk}/subscribers")


def _subscriber(actor: Actor, list_id: int, subscriber_id: int) -> Subscriber:
    return get_subscriber(actor, _managed(actor, list_id), subscriber_id)


@group.get("/lists/{int:listId}/subscribers/{int:subscriberId}", admit=_subscriber)
def subscriber_detail(actor: Actor, subscriber: Subscriber) -> SubscriberAnswer:
    """Read a subscriber."""
    return _present_subscriber(subscriber)


@group.patch("/lists/{int:listId}/subscribers/{int:subscriberId}", admit=_subscriber)
def subscriber_change(actor: Actor, subscriber: Subscriber, body: SubscriberChange) -> None:
    """Change what a subscriber gets, and what happens to their postings."""
    given = body.model_fields_set
    with transaction.atomic():
        if "mode" in given:
            subscribing.set_mode(actor, subscriber, body.mode.lower())
        if given & {"posting", "moderate_next"}:
            posting = body.posting.lower() if "posting" in given else subscriber.posting
            wait = body.moderate_next if "moderate_next" in given else subscriber.moderate_next
            subscribing.set_posting(actor, subscriber, posting, moderate_next=wait)


@group.post("/lists/{int:listId}/subscribers/{int:subscriberId}/acceptance", admit=_subscriber, status=200)
def subscriber_accept(actor: Actor, subscriber: Subscriber) -> SubscriberAnswer:
    """Let somebody in who waits, or go on after bounces."""
    return _present_subscriber(subscribing.accept(actor, subscriber))


@group.delete("/lists/{int:listId}/subscribers/{int:subscriberId}", admit=_subscriber)
def subscriber_remove(actor: Actor, subscriber: Subscriber) -> None:
    """Take somebody off a mailing list."""
    subscribing.leave(actor, subscriber)
