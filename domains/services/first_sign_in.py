"""Somebody whom a source of identity vouches for comes for the first time, and gets a mailbox in a domain of ours.

Whether the source may speak for the domain was decided by who calls (`accounts.services.source_sign_in`).
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import AccountsError
from accounts.models import User
from domains.errors import DomainsError
from domains.models import Domain, Status
from domains.services.mailboxes import create_mailbox


class NotMade(AccountsError):
    """There is no room, or no such domain any more; the text says which."""


def make_person(address: str, name: str) -> User:
    """The person of a new mailbox at this address (canonical). Raises: NotMade."""
    parsed = parse_address(address)
    domain = Domain.objects.exclude(status=Status.PURGED).filter(names__name=parsed.domain).first()
    if domain is None or domain.is_suspended:
        raise NotMade(_("%(domain)s is not a domain of this server.") % {"domain": parsed.domain})
    try:
        mailbox = create_mailbox(Actor.system(), domain, email=address, name=name, status=Status.ENABLED)
    except DomainsError as error:
        raise NotMade(str(error)) from error
    assert mailbox.user is not None
    return mailbox.user
