"""Who is on a mailing list: put there by who manages it, or by themselves with a confirmation; modes, posting, bounces.

A confirmation is a link that works once, expires, and only asks: the page behind it has a button. Who asks to subscribe
an address learns nothing of who is on the list already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.secrets import new_token, token_hash
from domains.errors import Invalid, WrongState
from domains.models import Address, Domain, MailingList, Subscriber
from domains.services import recipients
from domains.services.lists.settings import require_managing

Mode, State, Posting = Subscriber.Mode, Subscriber.State, Subscriber.Posting
Entry = str | tuple[int, str]
COUNTED = (State.SUBSCRIBED, State.PAUSED)
MOST_SUBSCRIBERS = 500_000
MOST_MODERATED = 1_000
BATCH = 2_000
ASKED_AGAIN_AFTER = timedelta(minutes=10)


class NoRequest(WrongState):
    """The confirmation is unknown, used or expired (one answer for all three)."""


# --- by who manages the list ----------------------------------------------------------------------------------------


def add_subscribers(
    actor: Actor, found: MailingList, entries: Iterable[Entry], *, mode: str = Mode.FEED, name: str = ""
) -> list[str]:
    """Put people on the list without asking them; who is on it already stays as they are. Answers the new ones.

    entries: addresses, or (line, address) of a paste. Raises: Forbidden, BadLines, Invalid.
    """
    require_managing(actor, found)
    _check_mode(mode)
    named = recipients.resolve(recipients.parse_all(entries, field="subscribers"))
    with transaction.atomic():
        _lock(found)
        wanted = {each.email: each for each in named}
        here = {row.email: row for row in found.subscribers.filter(email__in=list(wanted))}
        asking = [row.pk for row in here.values() if row.state in (State.UNCONFIRMED, State.WAITING)]
        Subscriber.objects.filter(pk__in=asking).update(
            state=State.SUBSCRIBED, mode=mode, subscribed_at=timezone.now(), confirm_hash="", confirm_until=None
        )
        new = [each for email, each in wanted.items() if email not in here]
        if found.subscriber_count + len(new) > MOST_SUBSCRIBERS:
            raise Invalid(
                _("A list has at most %(most)d subscribers.") % {"most": MOST_SUBSCRIBERS}, field="subscribers"
            )
        rows = [
            Subscriber(list=found, email=each.email, target_id=each.target_id, mode=mode, name=name[:200])
            for each in new
        ]
        Subscriber.objects.bulk_create(rows, batch_size=BATCH)
        added = [each.email for each in new] + [row.email for row in here.values() if row.pk in asking]
        recount(found)
        if added:
            _record(actor, "list.subscribe", found, added, mode=mode)
    return added


def remove_subscribers(actor: Actor, found: MailingList, emails: Iterable[Entry]) -> list[str]:
    """Take people off the list, also those who only asked. Raises: Forbidden, BadLines."""
    require_managing(actor, found)
    named = {each.email for each in recipients.resolve(recipients.parse_all(emails, field="subscribers"))}
    with transaction.atomic():
        _lock(found)
        rows = found.subscribers.filter(email__in=named)
        gone = list(rows.values_list("email", flat=True))
        rows.delete()
        recount(found)
        if gone:
            _record(actor, "list.unsubscribe", found, gone)
    return gone


def set_mode(actor: Actor, subscriber: Subscriber, mode: str) -> Subscriber:
    """What a subscriber gets; a banned one can't come back by themselves. Raises: Forbidden, Invalid."""
    found = subscriber.list
    if not _is_own(actor, subscriber) or Mode.BANNED in (mode, subscriber.mode):
        require_managing(actor, found)
    _check_mode(mode)
    return _set(actor, subscriber, "list.set_mode", {"mode": mode})


def set_posting(actor: Actor, subscriber: Subscriber, posting: str, *, moderate_next: int = 0) -> Subscriber:
    """What happens to a subscriber's postings; moderate_next: so many of the next wait. Raises: Forbidden, Invalid."""
    require_managing(actor, subscriber.list)
    if posting not in Posting.values:
        raise Invalid(_("One of: %(allowed)s.") % {"allowed": ", ".join(Posting.values)}, field="posting")
    if not 0 <= moderate_next <= MOST_MODERATED:
        text = _("From %(least)d to %(most)d.") % {"least": 0, "most": MOST_MODERATED}
        raise Invalid(text, field="moderate_next")
    return _set(actor, subscriber, "list.set_posting", {"posting": posting, "moderate_next": moderate_next})


def accept(actor: Actor, subscriber: Subscriber) -> Subscriber:
    """Let somebody in who waits, or goes on after bounces. Raises: Forbidden, WrongState."""
    require_managing(actor, subscriber.list)
    if subscriber.state not in (State.WAITING, State.PAUSED):
        raise WrongState(_("%(email)s doesn't wait to be accepted.") % {"email": subscriber.email})
    values: dict[str, object] = {"state": State.SUBSCRIBED, "bounces": 0}
    if subscriber.state == State.WAITING:
        values["subscribed_at"] = timezone.now()
    return _set(actor, subscriber, "list.accept", values)


def note_bounce(
    actor: Actor, subscriber: Subscriber, *, is_fatal: bool = False, at: datetime | None = None
) -> Subscriber:
    """Count a bounce; as many as the list allows, or a fatal one, pause the subscription. Raises: Forbidden."""
    found = subscriber.list
    require_managing(actor, found)
    with transaction.atomic():
        fresh = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        fresh.bounces += 1
        fresh.last_bounce_at = at or timezone.now()
        limit = found.bounces_allowed
        if fresh.state == State.SUBSCRIBED and (is_fatal or (limit and fresh.bounces >= limit)):
            fresh.state = State.PAUSED
            audit.record(actor, "list.pause", found.address, subscriber=fresh.email, bounces=fresh.bounces)
        fresh.save(update_fields=["bounces", "last_bounce_at", "state"])
    return fresh


# --- by the people themselves ---------------------------------------------------------------------------------------


def ask_to_subscribe(found: MailingList, email: str, *, name: str = "") -> str | None:
    """Somebody asks to be on the list: the token of the confirmation to mail to that address, or None.

    None where there is nothing to confirm: nobody may, they are on it already, are banned, or were asked
    a moment ago. Whoever asks can't tell.
    Raises: BadAddress.
    """
    if found.subscribing == MailingList.Subscribing.NOBODY or not found.address.is_enabled:
        return None
    named = recipients.resolve(recipients.parse_all([email]))[0]
    token, now = new_token(), timezone.now()
    with transaction.atomic():
        _lock(found)
        row = found.subscribers.filter(email=named.email).first()
        if row is not None and row.state != State.UNCONFIRMED:
            return None
        if row is not None and row.confirm_hash and row.subscribed_at > now - ASKED_AGAIN_AFTER:
            return None
        row = row or Subscriber(list=found, email=named.email, target_id=named.target_id, name=name[:200])
        row.state = State.UNCONFIRMED
        row.confirm_hash = token_hash(token)
        row.confirm_until = now + timedelta(hours=found.confirm_hours)
        row.subscribed_at = now
        row.save()
    return token


def find_request(token: str) -> Subscriber:
    """The request that a confirmation belongs to, if it can still be used. Raises: NoRequest."""
    rows = Subscriber.objects.select_related("list__address__domain", "list__owner")
    row = rows.filter(confirm_hash=token_hash(token), confirm_until__gt=timezone.now()).first()
    if row is None:
        raise NoRequest("unknown, used or expired")
    return row


def confirm(token: str) -> Subscriber:
    """The holder of the address confirms: they are on the list, or wait to be accepted. Raises: NoRequest."""
    with transaction.atomic():
        return confirm_request(find_request(token))


def confirm_request(row: Subscriber) -> Subscriber:
    """The same, for who proved otherwise that they hold the address of this request. Raises: NoRequest."""
    with transaction.atomic():
        _lock(row.list)
        moderated = row.list.subscribing == MailingList.Subscribing.MODERATED
        state = State.WAITING if moderated else State.SUBSCRIBED
        used = Subscriber.objects.filter(pk=row.pk, confirm_hash=row.confirm_hash).update(
            state=state, confirm_hash="", confirm_until=None, subscribed_at=timezone.now()
        )
        if not used:
            raise NoRequest("unknown, used or expired")
        row.refresh_from_db()
        recount(row.list)
        audit.record(Actor.system(), "list.confirm", row.list.address, subscriber=row.email, state=state)
    return row


def leave(actor: Actor, subscriber: Subscriber) -> None:
    """Off the list: the subscriber themselves, or who manages it. A banned one stays banned. Raises: Forbidden."""
    found = subscriber.list
    if not _is_own(actor, subscriber) or subscriber.mode == Mode.BANNED:
        require_managing(actor, found)
    with transaction.atomic():
        _lock(found)
        audit.record(actor, "list.unsubscribe", found.address, subscribers=[subscriber.email])
        Subscriber.objects.filter(pk=subscriber.pk).delete()
        recount(found)


def forget_unconfirmed(now: datetime | None = None) -> int:
    """Requests that nobody confirmed in time go (the clock calls this)."""
    old = Subscriber.objects.filter(state=State.UNCONFIRMED, confirm_until__lte=now or timezone.now())
    return old.delete()[0]


# --- the parts ------------------------------------------------------------------------------------------------------


def follow_rename(domain: Domain, old: str, new: str) -> None:
    """A domain has another name: subscriptions of its addresses say it (domains.services.renaming)."""
    rows = Subscriber.objects.filter(target__domain=domain).select_related("target")
    for row in rows.iterator(chunk_size=BATCH):
        if row.target is not None and row.email != row.target.text:
            taken = Subscriber.objects.filter(list_id=row.list_id, email=row.target.text).exists()
            if not taken:
                Subscriber.objects.filter(pk=row.pk).update(email=row.target.text)


def expanding(addresses: Iterable[int]) -> list[tuple[int, str, int | None, str]]:
    """Who gets what is posted: (list's claim, address, claim of ours or None, mode), for `domains.expansion`."""
    rows = Subscriber.objects.filter(list__address_id__in=list(addresses), state=State.SUBSCRIBED)
    rows = rows.exclude(mode__in=(Mode.NULL, Mode.BANNED)).order_by("email")
    found = list(rows.values_list("list__address_id", "email", "target_id", "target__text", "mode"))
    unknown = [email for _list, email, target, _text, _mode in found if target is None]
    ours = dict(Address.objects.filter(text__in=unknown).values_list("text", "pk")) if unknown else {}
    return [(source, text or email, target or ours.get(email), mode) for source, email, target, text, mode in found]


def _is_own(actor: Actor, subscriber: Subscriber) -> bool:
    """Whether this is the person's own subscription."""
    user = actor.user
    return (
        user is not None
        and actor.acting is None
        and user.email == (subscriber.target.text if subscriber.target is not None else subscriber.email)
    )


def _set(actor: Actor, subscriber: Subscriber, action: str, values: dict[str, object]) -> Subscriber:
    with transaction.atomic():
        fresh = Subscriber.objects.select_for_update().select_related("list__address").get(pk=subscriber.pk)
        changes = audit.changes_of(fresh, values)
        if changes:
            for name, (_old, value) in changes.items():
                setattr(fresh, name, value)
            fresh.save(update_fields=list(changes))
            shown = {name: pair for name, pair in changes.items() if name != "subscribed_at"}
            audit.record(actor, action, fresh.list.address, changes=shown, subscriber=fresh.email)
            recount(fresh.list)
    return fresh


def _check_mode(mode: str) -> None:
    if mode not in Mode.values:
        raise Invalid(_("One of: %(allowed)s.") % {"allowed": ", ".join(Mode.values)}, field="mode")


def _lock(found: MailingList) -> None:
    MailingList.objects.select_for_update(of=("self",)).get(pk=found.pk)


def recount(found: MailingList) -> None:
    """How many are on a list, on its row and its address's."""
    count = found.subscribers.filter(state__in=COUNTED).exclude(mode=Mode.BANNED).count()
    MailingList.objects.filter(pk=found.pk).update(subscriber_count=count)
    Address.objects.filter(pk=found.address_id).update(recipient_count=count)
    found.subscriber_count = count


def _record(actor: Actor, action: str, found: MailingList, emails: list[str], mode: str = "") -> None:
    for start in range(0, len(emails), recipients.PER_EVENT):
        part = emails[start : start + recipients.PER_EVENT]
        audit.record(actor, action, found.address, subscribers=part, count=len(emails), mode=mode)
