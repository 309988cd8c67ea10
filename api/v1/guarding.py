"""App passwords without their values, attempts in vain, and networks that are shut out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from django.db.models import QuerySet
from django.utils import timezone
from pydantic import Field

from accounts import selectors
from accounts.actors import Actor
from accounts.errors import BadGrant
from accounts.lists_guarding import DOORS
from accounts.models import AppPassword, FailedSignIn, SignInBlock, SignInThrottle, User
from accounts.permissions import Right
from accounts.selectors.guarding import get_wait, list_blocks, list_failed_sign_ins, list_waits
from accounts.services.app_passwords import (
    delete_all_app_passwords,
    delete_app_password,
    get_app_password,
    list_app_passwords,
    require_over,
)
from accounts.services.blocks import block_network, lift_wait, require_managing, unblock_network
from api import filters
from api.errors import Fault, Invalid
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects

group = Group(
    "App passwords and sign-ins",
    "What programs sign in with in a person's name, who tried to sign in in vain, and who is shut out because of it.",
)


class AppPasswordAnswer(Answer):
    """A password of one program. People make them on their page, signed in; the value is in no answer."""

    id: int
    name: str
    protocols: Annotated[list[str], Field(description="smtp, api or imap: it opens nothing else.")]
    created_at: Moment
    expiration: Moment | None
    last_use: Moment | None
    last_address: str | None


class FailedSignInAnswer(Answer):
    """Attempts in vain within one hour: at one address, from one network address, by one door."""

    id: int
    tried: Annotated[str | None, Field(description="Null for what was no e-mail address.")]
    user_id: Annotated[int | None, Field(description="Whose address it is; null for nobody's.")]
    address: str | None
    door: Annotated[str, Field(description="web, api, smtp, or reported by another system.")]
    times: int
    last_at: Moment


class BlockAdd(Body):
    """A network (or one address) to shut out at the pages, the API and SMTP AUTH."""

    network: Annotated[str, Field(min_length=2, max_length=60, examples=["192.0.2.0/24"])]
    seconds: Annotated[
        int | None, Field(ge=1, le=10 * 365 * 86400, description="For so long; null: until it is lifted.")
    ] = None
    reason: Annotated[str, Field(max_length=300)] = ""


class BlockAnswer(Answer):
    """A network that is shut out."""

    id: int
    network: str
    reason: str
    created_by: str
    created_at: Moment
    expiration: Moment | None


class WaitAnswer(Answer):
    """Somebody who waits after wrong guesses."""

    id: int
    kind: Annotated[
        str,
        Field(
            description="account (all strangers at it), at (one network at an account), network, device, or own (a "
            "present password)."
        ),
    ]
    who: Annotated[str | None, Field(description="The network address, or the account where it is known.")]
    failures: int
    until: Moment | None


def _app_password(row: AppPassword) -> AppPasswordAnswer:
    return AppPasswordAnswer(
        id=row.pk,
        name=row.name,
        protocols=row.protocols,
        created_at=row.created_at,
        expiration=row.expires_at,
        last_use=row.last_used_at,
        last_address=row.last_address or None,
    )


def _block(row: SignInBlock) -> BlockAnswer:
    return BlockAnswer(
        id=row.pk,
        network=row.network,
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        expiration=row.expires_at,
    )


def _failed(actor: Actor, rows: Sequence[FailedSignIn]) -> list[FailedSignInAnswer]:
    return [
        FailedSignInAnswer(
            id=row.pk,
            tried=row.tried or None,
            user_id=row.user_id,
            address=row.address or None,
            door=row.door,
            times=row.times,
            last_at=row.last_at,
        )
        for row in rows
    ]


FAILED = Listing(
    FailedSignInAnswer,
    _failed,
    sorts={"id": "pk", "lastAt": "last_at"},
    default="-lastAt",
    filters={
        "userId": filters.number("user_id", "At whose account."),
        "tried": filters.exact("tried", "The address that was tried."),
        "address": filters.exact("address", "From where."),
        "door": filters.choice("door", "By which door.", {key: key for key, _label in DOORS}),
        "since": filters.since("last_at", "At this moment or later."),
        "until": filters.until("last_at", "Before this moment."),
    },
)


# --- app passwords ----------------------------------------------------------------------------------------------------


def _over(actor: Actor, admin_id: int) -> User:
    """Oneself, or somebody whose account one manages. Raises: Http404, Forbidden."""
    own = actor.user is not None and actor.user.pk == admin_id
    found = actor.user if own else selectors.get_user(actor, admin_id, need=Right.MANAGE_USERS)
    assert found is not None
    require_over(actor, found)
    return found


def _theirs(actor: Actor, admin_id: int, id: int) -> AppPassword:
    return get_app_password(actor, _over(actor, admin_id), id)


@group.get("/admins/{int:adminId}/app-passwords", admit=_over)
def admin_app_passwords(actor: Actor, user: User) -> list[AppPasswordAnswer]:
    """List somebody's app passwords, with their last uses.

    One's own, or those of a person whose account one manages, administrator or not.
    """
    return [_app_password(row) for row in list_app_passwords(actor, user)]


@group.delete("/admins/{int:adminId}/app-passwords", admit=_over)
def admin_app_passwords_delete(actor: Actor, user: User) -> None:
    """Delete all app passwords of somebody.

    Their programs get no answer any more.
    """
    delete_all_app_passwords(actor, user)


@group.delete("/admins/{int:adminId}/app-passwords/{int:id}", admit=_theirs)
def admin_app_password_delete(actor: Actor, row: AppPassword) -> None:
    """Delete an app password of somebody."""
    delete_app_password(actor, row)


# --- attempts in vain -------------------------------------------------------------------------------------------------


@group.list("/sign-ins/failed", FAILED)
def failed_sign_in_list(actor: Actor) -> QuerySet[FailedSignIn]:
    """List who tried to sign in in vain, the last first.

    All for who manages people everywhere; else those at the accounts of one's own people.
    """
    return list_failed_sign_ins(actor)


def _managing(actor: Actor) -> None:
    require_managing(actor)


@group.get("/sign-ins/blocks", admit=_managing)
def sign_in_block_list(actor: Actor) -> list[BlockAnswer]:
    """List the networks that are shut out."""
    return [_block(row) for row in list_blocks(actor)]


@group.post("/sign-ins/blocks", admit=_managing)
def sign_in_block(actor: Actor, body: BlockAdd) -> Created[BlockAnswer]:
    """Shut a network out.

    Never this machine, one's own network, or one of the option SAFE_NETWORKS. Again: the new end and reason count.
    """
    ends = None if body.seconds is None else timezone.now() + timedelta(seconds=body.seconds)
    try:
        return Created(_block(block_network(actor, body.network, expires_at=ends, reason=body.reason)))
    except BadGrant as error:
        raise Invalid.of([Fault(error.field, str(error))]) from error


def _blocked(actor: Actor, block_id: int) -> SignInBlock:
    require_managing(actor)
    return subjects.there(list_blocks(actor).filter(pk=block_id).first())


@group.delete("/sign-ins/blocks/{int:blockId}", admit=_blocked)
def sign_in_unblock(actor: Actor, row: SignInBlock) -> None:
    """Let a network in again."""
    unblock_network(actor, row.network)


@group.get("/sign-ins/waits", admit=_managing)
def sign_in_wait_list(actor: Actor) -> list[WaitAnswer]:
    """List who waits after wrong guesses, the longest first."""
    return [
        WaitAnswer(id=each.row.pk, kind=each.kind, who=each.who or None, failures=each.row.failures, until=each.until)
        for each in list_waits(actor)
    ]


def _wait(actor: Actor, wait_id: int) -> SignInThrottle:
    require_managing(actor)
    return get_wait(actor, wait_id)


@group.delete("/sign-ins/waits/{int:waitId}", admit=_wait)
def sign_in_wait_lift(actor: Actor, row: SignInThrottle) -> None:
    """Let somebody try again at once."""
    lift_wait(actor, row)
