"""The mails this app sends to people: links to choose a password or to sign in once.

A link is mailed where a mail server is configured; else whoever made it is shown it, once. Making links is `services`.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from accounts import links, options
from accounts.models import OneTimeLink, User
from config.kit import mailing

TEMPLATES = {
    OneTimeLink.Kind.INVITATION: "mails/invitation.txt",
    OneTimeLink.Kind.RESET: "mails/reset.txt",
    OneTimeLink.Kind.SIGN_IN: "mails/sign_in.txt",
}


def send_link(user: User, kind: OneTimeLink.Kind, link: str, *, until: datetime) -> bool:
    """Mail a link to its person. False when it wasn't: then it must be shown to who made it."""
    if not mailing.is_configured():
        return False
    context = {
        "person": user,
        "link": link,
        "until": until,
        "host": urlsplit(links.public_url()).hostname,
        "support": options.value("SUPPORT_EMAIL", user),
    }
    try:
        mailing.send(user.email, TEMPLATES[kind], context, language=user.language, name=user.name)
    except mailing.NotSent:
        return False
    return True
