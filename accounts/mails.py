"""The mails this app sends to people: links to choose a password or to sign in once. They look like their domain.

A link is mailed where a mail server is configured; else whoever made it is shown it, once. Making links is `services`.
Pages have it made and mailed by a task, so that nobody waits for the mail server.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from accounts import links, options, password_age
from accounts.actors import Actor
from accounts.models import OneTimeLink, User
from config.kit import branding, mailing

TEMPLATES = {
    OneTimeLink.Kind.INVITATION: "mails/invitation.txt",
    OneTimeLink.Kind.RESET: "mails/reset.txt",
    OneTimeLink.Kind.SIGN_IN: "mails/sign_in.txt",
}
NOTICES = ("added", "removed", "codes", "recovery", "initialised", "disabled", "guessed", "linked")

Poster = Callable[[Actor, User, OneTimeLink.Kind], object]
_posters: list[Poster] = []


Notifier = Callable[[User, str, str], object]
_notifiers: list[Notifier] = []


def register_notifier(notifier: Notifier) -> None:
    """Who writes to people about their second factors in the background: (to whom, what happened, who did it)."""
    _notifiers[:] = [notifier]


def post_notice(user: User, what: str, *, by: str = "") -> None:
    """Have a person told that something about their second factors changed, a key of NOTICES. by: "" for themselves.

    "linked": a source of identity says who they are from now on; `by` names it.
    """
    if what not in NOTICES:
        raise ValueError(f"no such notice: {what}")
    if mailing.is_configured():
        for notifier in _notifiers:
            notifier(user, what, by)


def send_notice(user: User, what: str, *, by: str = "", at: datetime | None = None) -> None:
    """Mail such a notice. Raises: NotSent."""
    brand = branding.of_person(user, user.language or settings.LANGUAGE_CODE)
    context = {
        "person": user,
        "what": what,
        "by": by,
        "at": at or timezone.now(),
        "host": urlsplit(links.public_url()).hostname,
        "brand": brand,
        "support_line": _support(brand),
        "support": options.value("SUPPORT_EMAIL", user),
    }
    template = "mails/second_factor.txt"
    mailing.send(user.email, template, context, language=user.language, name=user.name, sender=brand.name)


def send_expiry(user: User, standing: password_age.Standing) -> None:
    """Mail somebody that their password expires soon. Raises: NotSent."""
    brand = branding.of_person(user, user.language or settings.LANGUAGE_CODE)
    context = {
        "person": user,
        "until": standing.expires_at,
        "host": urlsplit(links.public_url()).hostname,
        "url": links.public_url(),
        "brand": brand,
        "support_line": _support(brand),
        "support": options.value("SUPPORT_EMAIL", user),
    }
    template = "mails/password_expires.txt"
    mailing.send(user.email, template, context, language=user.language, name=user.name, sender=brand.name)


def register_poster(poster: Poster) -> None:
    """Who makes and mails a link in the background: (who asks, for whom, which kind)."""
    _posters[:] = [poster]


def post_link(actor: Actor, user: User, kind: OneTimeLink.Kind) -> bool:
    """Have a link of this kind made and mailed once this transaction commits. False where no mail server is: then it
    must be made here, and shown. Raises: Forbidden.
    """
    if not _posters or not mailing.is_configured():
        return False
    for poster in _posters:
        poster(actor, user, kind)
    return True


def send_link(user: User, kind: OneTimeLink.Kind, link: str, *, until: datetime) -> bool:
    """Mail a link to its person. False when it wasn't: then it must be shown to who made it."""
    if not mailing.is_configured():
        return False
    try:
        mail_link(user, kind, link, until=until)
    except mailing.NotSent:
        return False
    return True


def mail_link(user: User, kind: OneTimeLink.Kind, link: str, *, until: datetime | None = None) -> None:
    """Mail a link to its person; until: by default as long as such a link made now works. Raises: NotSent."""
    brand = branding.of_person(user, user.language or settings.LANGUAGE_CODE)
    context = {
        "person": user,
        "link": link,
        "until": until or timezone.now() + links.LIFETIMES[kind],
        "host": urlsplit(links.public_url()).hostname,
        "brand": brand,
        "support_line": _support(brand),
        "support": options.value("SUPPORT_EMAIL", user),
    }
    mailing.send(user.email, TEMPLATES[kind], context, language=user.language, name=user.name, sender=brand.name)


def _support(brand: branding.Brand) -> str:
    """Whom to ask, as one line of a mail: words, and where."""
    where = brand.support_url.removeprefix("mailto:")
    return brand.support_text if where in brand.support_text else f"{brand.support_text}: {where}"
