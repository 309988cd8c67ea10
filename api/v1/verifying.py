"""Questions of mail programs about a user: is this the password, may they send as this address?"""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import Http404
from pydantic import BaseModel, ConfigDict, Field

from accounts import password_age
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.services.verifying import verify_password
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Mailbox
from domains.selectors.identities import Identity, identity_of

group = Group("Verification", "What mail programs ask about a user: a password, and the address they send as.")


class PasswordGuess(Body):
    """In clear text; it is kept nowhere."""

    password: Annotated[str, Field(min_length=1, max_length=1_000, examples=["correct horse battery staple"])]


class Verified(Answer):
    """Whether it was right."""

    correct: bool
    change_due: Annotated[
        bool, Field(description="It is right, and opens nothing but the page that changes it: expired, or a wish.")
    ]


class IdentityQuery(BaseModel):
    """What stands in the message."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[
        str,
        Field(
            min_length=1, max_length=1_000, examples=["Ada Okafor <ada@example.org>"],
            description="The value of the From: header.",
        ),
    ]  # fmt: skip


class IdentityAnswer(Answer):
    """Whether the user may send so, and why: the own address, by any name of the domain, or an alias."""

    allowed: bool
    identity: Literal["OWN", "ALIAS", "NONE"]


@group.post("/users/{int:userId}/password/verification", admit=subjects.mailbox(Right.SET_PASSWORDS), status=200)
def password_verify(actor: Actor, mailbox: Mailbox, body: PasswordGuess) -> Verified:
    """Is this the user's password?

    For who may set it. Counted as a guess at the account, slowed down as at the sign-in page (429), and by token; each
    question is an event of the audit trail. Who may not sign in has no password that counts.
    """
    if mailbox.user is None:
        raise Http404("nobody signs in with it")
    correct = verify_password(actor, mailbox.user, body.password)
    return Verified(correct=correct, change_due=correct and password_age.standing_of(mailbox.user).is_due)


@group.get("/users/{int:userId}/identity", admit=subjects.mailbox(own=True))
def identity_verify(actor: Actor, mailbox: Mailbox, query: IdentityQuery) -> IdentityAnswer:
    """May the user send as this?

    The own address and aliases may; a name before the address is free.
    """
    found = identity_of(mailbox, query.sender)
    return IdentityAnswer(allowed=found != Identity.NONE, identity=found.upper())  # type: ignore[arg-type]
