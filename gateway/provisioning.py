"""Mailboxes that make themselves: of addresses that the mail server behind a domain knows, where the domain wants it.

    if is_wanted(domain_id):          # asks the database
        if tells_people_apart(server, "example.org"):   # asks the server, for a thread
            provide(domain_id, "kim@example.org")

A server that takes any recipient proves nobody: it is asked about an address that can't be there, too. Not for domains
whose server isn't asked (`Domain.Unknown.TAKE`), where each word of a dictionary attack would become a mailbox.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.utils.crypto import salted_hmac

from accounts.actors import Actor
from accounts.errors import Forbidden
from domains import inheritance
from domains.errors import BadAddress, Invalid, LimitReached, Taken, WrongState
from domains.models import Domain, Status
from domains.services.mailboxes import create_mailbox
from gateway import call_forward

log = logging.getLogger("postkeep.gateway")
_REFUSALS = (BadAddress, Forbidden, Invalid, LimitReached, Taken, WrongState)


def is_wanted(domain_id: int, address: str) -> bool:
    """Whether the domain makes its mailboxes by themselves. Raises: DatabaseError."""
    if "+" in address.partition("@")[0]:  # a part of somebody's address, of which the server behind knows more
        return False
    domain = Domain.objects.filter(pk=domain_id).first()
    return domain is not None and bool(inheritance.value_of(domain, "auto_provisioning"))


def tells_people_apart(server: call_forward.Server, domain_name: str) -> bool:
    """Whether the server refuses somebody; its answer is remembered as any other. Waits for it."""
    nobody = salted_hmac("gateway.provisioning", domain_name).hexdigest()[:20]
    return call_forward.status_of(server, f"nobody-{nobody}@{domain_name}") not in (call_forward.TAKEN, "")


def provide(domain_id: int, address: str) -> bool:
    """Make the mailbox; False where it can't be made (said in the log): its mail goes on as before."""
    try:
        domain = Domain.objects.get(pk=domain_id)
        local = address.rpartition("@")[0]
        create_mailbox(Actor.system(), domain, email=f"{local}@{domain.name}", status=Status.ENABLED)
    except (*_REFUSALS, Domain.DoesNotExist, DatabaseError) as error:
        log.warning("no mailbox was made for %s, which the server behind knows: %s", address, error)
        return False
    return True
