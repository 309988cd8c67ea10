"""Who gets in where: mailing lists. Owners manage their own without any right."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import Address, Domain, Mailbox, MailingList
from domains.services.lists import settings, subscribing
from domains.services.mailboxes import ensure_mailbox
from tests.access import Cast, in_domain, public, somewhere
from tests.access import Row as Plain
from tests.domains.factories import make_mailbox_in

SYSTEM = Actor.system()
PASTE = {"subscribers": "b@x.example", "mode": "feed"}
LISTS, SEE = Right.MANAGE_LISTS, Right.VIEW_USERS
VALUES: dict[str, Any] = {
    "subscribing": "confirmed", "posting": "subscribers", "reply_to": "sender", "first_moderated": "0",
    "bounces_allowed": "5", "confirm_hours": "72", "owner": "chief",
}  # fmt: skip


def _chief(domain: Domain) -> Mailbox:
    return domain.mailboxes.filter(address__startswith="chief@").first() or make_mailbox_in(domain, "chief")


def a_domain(cast: Cast, domain: Domain) -> tuple[object, ...]:
    _chief(domain)
    return (domain.pk,)


def a_list(cast: Cast, domain: Domain) -> tuple[object, ...]:
    email = f"news-{Address.objects.filter(domain=domain).count()}"
    return (settings.create_list(SYSTEM, domain, email=email, owner=_chief(domain)).pk,)


def own_list(cast: Cast, user: User) -> tuple[object, ...]:
    mailbox = ensure_mailbox(SYSTEM, user.email)[0]
    _chief(mailbox.domain)
    return (settings.create_list(SYSTEM, mailbox.domain, email=f"news{user.pk}", owner=mailbox).pk,)


def a_subscriber(cast: Cast, domain: Domain) -> tuple[object, ...]:
    (key,) = a_list(cast, domain)
    return _subscribed(key)


def own_subscriber(cast: Cast, user: User) -> tuple[object, ...]:
    return _subscribed(own_list(cast, user)[0])


def _subscribed(key: object) -> tuple[object, ...]:
    found = MailingList.objects.get(pk=str(key))
    subscribing.add_subscribers(SYSTEM, found, ["a@x.example"])
    return (found.pk, found.subscribers.get().pk)


def a_token(cast: Cast, owner: User) -> tuple[object, ...]:
    token = subscribing.ask_to_subscribe(MailingList.objects.get(pk=str(own_list(cast, owner)[0])), "a@x.example")
    return (token,)


def of_list(route: str, answer: Any = 200, need: Any = (), **more: Any) -> Any:
    own = more.pop("own", answer)
    return in_domain(route, answer, see=SEE, need=need, args=a_list, own=own, own_args=own_list, **more)


def of_subscriber(route: str, answer: Any = 200, need: Any = (), **more: Any) -> Any:
    return in_domain(route, answer, see=SEE, need=need, args=a_subscriber, own=answer, own_args=own_subscriber, **more)


ROWS = [
    somewhere("domains:list-list", need=SEE),
    Plain("domains:own-lists", own=200, administrator=200),
    in_domain("domains:domain-lists", need=SEE),
    in_domain("domains:list-create", need=LISTS, args=a_domain),
    in_domain("domains:list-create", 303, method="POST", need=LISTS, args=a_domain, data=VALUES | {"email": "news"}),
    of_list("domains:list-detail"),
    of_list("domains:list-edit", need=LISTS),
    of_list("domains:list-edit", 303, method="POST", need=LISTS, data=VALUES),
    in_domain("domains:list-switch", 303, method="POST", see=SEE, need=LISTS, args=a_list),
    in_domain("domains:list-delete", 303, method="POST", see=SEE, need=LISTS, args=a_list),
    of_list("domains:list-subscribers"),
    of_list("domains:subscribers-add", need=LISTS),
    of_list("domains:subscribers-add", 303, method="POST", need=LISTS, data=PASTE),
    of_subscriber("domains:subscriber-detail"),
    of_subscriber(
        "domains:subscriber-detail", 303, method="POST", need=LISTS,
        data={"mode": "digest", "posting": "normal", "moderate_next": "0"},
    ),
    of_subscriber("domains:subscriber-accept", 303, method="POST", need=LISTS),
    of_subscriber("domains:subscriber-remove", 303, method="POST", need=LISTS),
    public("domains:list-confirm", 200, args=a_token),
    public("domains:list-confirm", 200, method="POST", args=a_token),
]  # fmt: skip
