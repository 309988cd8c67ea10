"""When people get their digest mails, as they or their administrators set it, and a mail at once.

The values are options (`gateway.digests.options`); who manages quarantine may set these ones, and people their own.
Not for sending what is due (`gateway.digests.command`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import audit, options, places
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.options import Resolved
from accounts.permissions import EndUserRight, Level, Right
from accounts.scopes import SERVER
from accounts.services.options import drop_option, write_option
from config.kit import branding, mailing
from domains.models import Domain, Mailbox
from gateway.digests.items import examples
from gateway.digests.letter import Around, as_letter
from gateway.digests.making import Outcome, Reader, digest_now
from gateway.digests.options import NAMES, OF_PEOPLE, TIME_ZONE, plans_of
from gateway.errors import GatewayError
from gateway.models import Digest

AGAIN_AFTER = timedelta(minutes=1)


class NotMailed(GatewayError):
    """No digest was mailed; the text says why."""


def names_for(obj: object) -> tuple[str, ...]:
    """The options that can be set on an object."""
    return OF_PEOPLE if places.scope_of(obj).level == Level.USER else NAMES


def get_schedule(actor: Actor, obj: object) -> dict[str, Resolved]:
    """What counts for an object, and where it comes from. Raises: Forbidden."""
    require_schedule(actor, obj)
    return options.resolve_some([*names_for(obj), TIME_ZONE], None if obj == SERVER else obj)


def require_schedule(actor: Actor, obj: object) -> None:
    """Raises: Forbidden."""
    is_own = isinstance(obj, User) and actor.owns(obj) and actor.acting is None
    if is_own and actor.may(EndUserRight.RELEASE_QUARANTINE):
        return
    actor.require(Right.MANAGE_QUARANTINE, obj)


def set_schedule(actor: Actor, obj: object, values: Mapping[str, object]) -> None:
    """Set some of the options of an object; None lets one be inherited.

    Raises: Forbidden, BadOption.
    """
    actor.require_writing()
    require_schedule(actor, obj)
    with transaction.atomic():
        for name in names_for(obj):
            if name not in values:
                continue
            option = options.get(name)
            if values[name] is None:
                drop_option(actor, obj, option)
            else:
                write_option(actor, obj, option, option.parse(values[name]))


def send_own(actor: Actor, mailbox: Mailbox) -> int:
    """Mail somebody at once what lies in their quarantine; how many messages. Raises: Forbidden, NotMailed."""
    actor.require_writing()
    if actor.user is None or actor.user.pk != mailbox.user_id or actor.acting is not None:
        raise Forbidden("only the person themselves")
    actor.require_own(EndUserRight.RELEASE_QUARANTINE)
    with transaction.atomic():
        # locked, so that two clicks at once are one mail
        rows = Mailbox.objects.select_for_update(of=("self",)).select_related("user", "domain")
        mailbox = rows.get(pk=mailbox.pk)
        last = Digest.objects.filter(mailbox=mailbox, due_at=None, made_at__gt=timezone.now() - AGAIN_AFTER)
        if last.exists():
            raise NotMailed(_("One was sent a moment ago. Wait a minute."))
        (plan,) = plans_of([actor.user])
        match digest_now(Reader(mailbox, plan)):
            case Outcome.NOTHING:
                raise NotMailed(_("Nothing is in your quarantine, so there is nothing to mail."))
            case Outcome.NOWHERE:
                raise NotMailed(_("Your address leads to nobody just now, so no mail can be sent."))
        digest = Digest.objects.filter(mailbox=mailbox, due_at=None).latest("made_at")
        audit.record(actor, "digest.send", mailbox, items=digest.items)
    return digest.items


def send_example(actor: Actor, obj: object) -> str:
    """Mail who asks an example as people of an object would get it; to which address.

    By the server for our own mails: whoever asks may have no mailbox here. Raises: Forbidden, NotMailed.
    """
    actor.require_writing()
    actor.require(Right.MANAGE_QUARANTINE, obj)
    person = actor.user
    if person is None or actor.acting is not None:
        raise Forbidden("only for a person themselves")
    if not mailing.is_configured():
        raise NotMailed(_("No mail server is configured by which people could be written to."))
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language):
        around = example_around(person, obj, language)
        letter = as_letter(examples(), around)
    try:
        mailing.post(person.email, letter, name=person.name, sender=around.brand.name)
    except mailing.NotSent as error:
        raise NotMailed(_("The mail server didn't take the mail: %(error)s") % {"error": error}) from error
    audit.record(actor, "digest.example", None if obj == SERVER else obj)
    return person.email


def example_around(person: User, obj: object, language: str) -> Around:
    """What surrounds an example: the look of the object's domain, where it has one, its schedule and its link days."""
    found = options.resolve_some([*NAMES, TIME_ZONE], None if obj == SERVER else obj)
    reader = obj if isinstance(obj, User) else _somebody_of(obj) or person
    brand = branding.of_person(reader, language)
    address = reader.email if isinstance(obj, User) else f"ada@{obj.name}" if isinstance(obj, Domain) else person.email
    days = int(found["QUARANTINE_DIGEST_LINK_DAYS"].value)
    return Around(address, len(examples()), days, "", brand, is_example=True)


def _somebody_of(obj: object) -> User | None:
    """Anybody of a domain: they all see the same brand."""
    if not isinstance(obj, Domain):
        return None
    return User.objects.filter(home_domain_id=obj.pk).order_by("pk").first()
