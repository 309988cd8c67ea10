"""Second factors: one's own as they are, and those of others initialised, switched off, their devices revoked.

Setting one up takes the person and a QR code or a key, so it is the pages' alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.selectors import users_visible_to
from accounts.selectors.administrators import get_administrator
from accounts.selectors.factors import Factors, get_factors, get_own_factors
from accounts.services import second_factors, trusted_devices
from api.operations import Group, anyone
from api.schemas import Answer, Moment

group = Group(
    "Second factors",
    "Who signs in with more than a password: authenticator apps, passkeys, recovery codes, trusted devices; switched "
    "off, or to be set up anew, for who lost theirs. Setting one up is done at the pages.",
)


class PasskeyAnswer(Answer):
    """A passkey; its key is nobody's to read."""

    id: int
    name: str
    created_at: Moment
    last_use: Moment | None
    signs_in: Annotated[bool, Field(description="Also without the password.")]


class TrustedDeviceAnswer(Answer):
    """A browser in which the second step isn't asked for."""

    id: int
    device: Annotated[str, Field(description="What the browser says of itself.")]
    address: str
    created_at: Moment
    last_use: Moment
    expiration: Moment


class MfaAnswer(Answer):
    """How it stands with somebody's second factors."""

    mfa_type: Annotated[Literal["NONE", "TOTP"], Field(description="TOTP where they have any, also a passkey.")]
    since: Moment | None
    app_created_at: Annotated[Moment | None, Field(description="When the authenticator app was set up.")]
    app_last_use: Moment | None
    passkeys: list[PasskeyAnswer]
    recovery_codes_left: int
    trusted_devices: list[TrustedDeviceAnswer]
    demanded: Annotated[bool, Field(description="Options or a role say that they must have one.")]
    due_at: Annotated[Moment | None, Field(description="Until when they have time; null where they have one.")]
    to_be_set_up: Annotated[bool, Field(description="An administrator had it initialised.")]


def present(found: Factors) -> MfaAnswer:
    return MfaAnswer(
        mfa_type="NONE" if found.since is None else "TOTP",
        since=found.since,
        app_created_at=found.app.confirmed_at if found.app else None,
        app_last_use=found.app.last_used_at if found.app else None,
        passkeys=[
            PasskeyAnswer(
                id=row.pk,
                name=row.name,
                created_at=row.created_at,
                last_use=row.last_used_at,
                signs_in=row.signs_in,
            )
            for row in found.passkeys
        ],
        recovery_codes_left=found.codes_left,
        trusted_devices=[
            TrustedDeviceAnswer(
                id=row.pk,
                device=row.words,
                address=row.address,
                created_at=row.created_at,
                last_use=row.last_used_at,
                expiration=row.expires_at,
            )
            for row in found.devices
        ],
        demanded=found.is_demanded,
        due_at=found.standing.due_at,
        to_be_set_up=found.is_wanted,
    )


def _oneself(actor: Actor) -> User:
    assert actor.user is not None
    trusted_devices.require_over_devices(actor, actor.user)
    return actor.user


@group.get("/me/mfa", admit=anyone)
def own_mfa(actor: Actor) -> MfaAnswer:
    """Read how it stands with one's own second factors."""
    return present(get_own_factors(actor))


@group.delete("/me/mfa/devices", admit=_oneself)
def own_devices_revoke(actor: Actor, user: User) -> None:
    """Revoke all of one's trusted devices.

    The second step is asked for again everywhere.
    """
    trusted_devices.revoke_devices(actor, user)


def _person(actor: Actor, user_id: int) -> User:
    """Somebody whose password the caller may reset: one of their people, or an administrator. Raises: Http404."""
    found = users_visible_to(actor).filter(pk=user_id).first() or get_administrator(actor, user_id)
    actor.require_over(Right.SET_PASSWORDS, found)
    return found


def _looked_at(actor: Actor, user_id: int) -> User:
    return actor.user if actor.user is not None and actor.user.pk == user_id else _person(actor, user_id)


@group.get("/users/{int:userId}/mfa", admit=_looked_at)
def user_mfa(actor: Actor, user: User) -> MfaAnswer:
    """Read how it stands with somebody's second factors.

    For who resets their password; administrators without a mailbox are found here too.
    """
    return present(get_factors(actor, user))


@group.post("/users/{int:userId}/mfa", admit=_person, status=200)
def user_mfa_initialise(actor: Actor, user: User) -> MfaAnswer:
    """Have somebody set up a second factor when they come next.

    Also anew: what they had opens nothing any more, nor do their recovery codes and trusted devices. Never for oneself.
    """
    second_factors.initialise(actor, user)
    return present(get_factors(actor, User.objects.get(pk=user.pk)))


@group.delete("/users/{int:userId}/mfa", admit=_person)
def user_mfa_disable(actor: Actor, user: User) -> None:
    """Switch somebody's second factors off.

    Never one's own. Where one is demanded they set up another when they come next.
    """
    second_factors.remove_second_factors(actor, user)


@group.delete("/users/{int:userId}/mfa/devices", admit=_person)
def user_devices_revoke(actor: Actor, user: User) -> None:
    """Revoke all trusted devices of somebody."""
    trusted_devices.revoke_devices(actor, user)
