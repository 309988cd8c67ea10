"""Proving once more who it is before what is dangerous (step-up): a session that stands open is not enough for it.

    proving.require_recent(actor)     # in the service, right after the rights were asked

Who signed in, or proved it again, within ten minutes goes on; else the page asks for the second factor, or for the
password where there is none (`views.proving`), and leads back. It is asked where somebody's way in or rights change,
keys are let out, or much is deleted: own password, address and factors, tokens, rights and roles, acting as somebody,
the master key, deleting domains, stores and customers, approving what takes two people. Services that do such things
in other apps call it too.

Asked of people at pages alone: a token is a proof of its own and was made with this one, the shell and the clock have
no person to ask, and a task was asked for at a page.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import ProofNeeded

FRESH = timedelta(minutes=10)


def require_recent(actor: Actor) -> None:
    """Raises: ProofNeeded, which every page answers by asking."""
    if not is_recent(actor):
        raise ProofNeeded("prove once more who you are")


def is_recent(actor: Actor) -> bool:
    """Whether the actor needn't be asked."""
    who = actor.acting or actor
    if who.kind != "user" or who.user is None or who.via != "page" or who.token_id is not None:
        return True
    return who.proved_at is not None and who.proved_at > timezone.now() - FRESH
