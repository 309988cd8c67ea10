"""Access tokens: one's own, those of others, and coming by one with a name and a password."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from accounts import mails
from accounts.actors import Actor
from accounts.models import ApiToken, OneTimeLink, User
from accounts.permissions import Right
from accounts.selectors import get_token, list_tokens, users_visible_to
from accounts.selectors.administrators import get_administrator
from accounts.services.sign_in_links import HOURS_MAX, issue_sign_in_link
from accounts.services.tokens import (
    NewToken,
    create_token,
    require_making_tokens,
    require_over_tokens,
    revoke_all_tokens,
    revoke_token,
)
from accounts.signing_in import sign_in_program
from api.errors import NotFound, Unauthenticated
from api.operations import Created, Group, anyone
from api.schemas import Address, Answer, Body, Moment
from api.v1 import subjects

group = Group(
    "Access tokens",
    "What programs sign in with in a person's place: made for each, shown once, revoked alone.",
    names={"expires_at": "expiration", "read_only": "readOnly"},
)


class PersonalTokenAdd(Body):
    """A name of its own, and what narrows it. It never does more than its person."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Provisioning"])]
    expiration: Annotated[Moment | None, Field(description="Null: as long as the person's domain lets it.")] = None
    permissions: Annotated[
        list[Right] | None, Field(max_length=len(Right), description="Only these; null: all that the person has.")
    ] = None
    read_only: bool = False


class PersonalToken(Answer):
    """A token; its value is in the answer that made it and nowhere else."""

    id: int
    name: str
    value: Annotated[str | None, Field(description="Only in the answer to POST.")]
    expiration: Moment | None
    created_at: Moment
    last_use: Moment | None
    permissions: list[str] | None
    read_only: bool


class TokenAsk(Body):
    """With a password: a token for a program. Without: a link with which a person signs in once."""

    username: Annotated[Address, Field(min_length=1, examples=["ada@example.org"], description="A person's address.")]
    password: Annotated[
        str | None, Field(min_length=1, max_length=500, description="The person's own; then no token is needed.")
    ] = None
    validity: Annotated[int, Field(ge=1, le=HOURS_MAX, description="For so many hours.")] = HOURS_MAX


class AuthToken(Answer):
    """A token and until when it works; `url` signs in with it. Both null where they were mailed to the person."""

    token: str | None
    expire_at: Moment
    url: str | None
    mailed: Annotated[bool, Field(description="The link is on its way to its person.")]


def present(row: ApiToken, value: str | None = None) -> PersonalToken:
    return PersonalToken(
        id=row.pk,
        name=row.name,
        value=value,
        expiration=row.expires_at,
        created_at=row.created_at,
        last_use=row.last_used_at,
        permissions=None if row.rights is None else sorted(row.rights),
        read_only=row.read_only,
    )


def _make(actor: Actor, user: User, body: PersonalTokenAdd) -> NewToken:
    return create_token(
        actor,
        user,
        name=body.name,
        rights=body.permissions,
        read_only=body.read_only,
        expires_at=body.expiration,
    )


def _listed(actor: Actor, user: User) -> list[PersonalToken]:
    rows: QuerySet[ApiToken] = list_tokens(actor, user)
    return [present(row) for row in rows]


# --- one's own --------------------------------------------------------------------------------------------------------


def _oneself(actor: Actor) -> User:
    assert actor.user is not None
    require_over_tokens(actor, actor.user)
    return actor.user


def _making_own(actor: Actor) -> User:
    user = _oneself(actor)
    require_making_tokens(actor, user)
    return user


def _own_token(actor: Actor, token_id: int) -> ApiToken:
    return get_token(actor, _oneself(actor), token_id)


@group.get("/me/tokens", admit=_oneself)
def own_tokens(actor: Actor, user: User) -> list[PersonalToken]:
    """List one's own tokens."""
    return _listed(actor, user)


@group.post("/me/tokens", admit=_making_own)
def own_token_create(actor: Actor, user: User, body: PersonalTokenAdd) -> Created[PersonalToken]:
    """Make a token for oneself.

    Shown only now. No wider and no longer than the token that asks.
    """
    made = _make(actor, user, body)
    return Created(present(made.token, made.value))


@group.delete("/me/tokens/{int:tokenId}", admit=_own_token)
def own_token_revoke(actor: Actor, token: ApiToken) -> None:
    """Revoke one of one's own tokens.

    Also the one that asks.
    """
    revoke_token(actor, token)


# --- those of others --------------------------------------------------------------------------------------------------


def _person(actor: Actor, admin_id: int) -> User:
    """Oneself, somebody one sees, or an administrator. Raises: Http404."""
    if actor.user is not None and actor.user.pk == admin_id:
        return actor.user
    found = users_visible_to(actor).filter(pk=admin_id).first()
    return get_administrator(actor, admin_id) if found is None else found


def _over(actor: Actor, admin_id: int) -> User:
    user = _person(actor, admin_id)
    require_over_tokens(actor, user)
    return user


def _making(actor: Actor, admin_id: int) -> User:
    user = _person(actor, admin_id)
    require_making_tokens(actor, user)
    return user


def _their_token(actor: Actor, admin_id: int, id: int) -> ApiToken:
    return get_token(actor, _over(actor, admin_id), id)


@group.get("/admins/{int:adminId}/tokens", admit=_over)
def admin_tokens(actor: Actor, user: User) -> list[PersonalToken]:
    """List somebody's tokens.

    One's own, or those of a person whose account one manages, administrator or not.
    """
    return _listed(actor, user)


@group.post("/admins/{int:adminId}/tokens", admit=_making)
def admin_token_create(actor: Actor, user: User, body: PersonalTokenAdd) -> Created[PersonalToken]:
    """Make a token for somebody.

    For oneself, or, for who runs the server, for anybody. Its value is shown only now.
    """
    made = _make(actor, user, body)
    return Created(present(made.token, made.value))


@group.delete("/admins/{int:adminId}/tokens", admit=_over)
def admin_tokens_revoke(actor: Actor, user: User) -> None:
    """Revoke all tokens of somebody.

    404 where there are none.
    """
    if not revoke_all_tokens(actor, user):
        raise NotFound()


@group.delete("/admins/{int:adminId}/tokens/{int:id}", admit=_their_token)
def admin_token_revoke(actor: Actor, token: ApiToken) -> None:
    """Revoke a token of somebody."""
    revoke_token(actor, token)


# --- by name and password, or as a link -------------------------------------------------------------------------------


@group.post("/token", admit=anyone, is_open=True)
def token_ask(actor: Actor, body: TokenAsk) -> Created[AuthToken]:
    """Get a token for some hours.

    With `password` an access token of that person for a program: no token is needed, wrong ones are slowed down as at
    the sign-in page, and people whose sign-in needs more than a password get none. Without `password` a link with which
    the person signs in once, for oneself or by who may send sign-in links; never for administrators or people with a
    second factor. It is mailed to the person where a mail server is configured, else answered here.
    """
    if body.password is not None:
        made = sign_in_program(actor, email=body.username, password=body.password, hours=body.validity)
        assert made.token.expires_at is not None
        return Created(AuthToken(token=made.value, expire_at=made.token.expires_at, url=None, mailed=False))
    if actor.user is None:
        raise Unauthenticated("Send the person's password, or a token of yours in the header Authorization.")
    return Created(_sign_in_link(actor, body))


def _sign_in_link(actor: Actor, body: TokenAsk) -> AuthToken:
    person = subjects.there(users_visible_to(actor).filter(email=body.username.strip().lower()).first())
    url, link = issue_sign_in_link(actor, person, hours=body.validity)
    if mails.send_link(person, OneTimeLink.Kind.SIGN_IN, url, until=link.expires_at):
        return AuthToken(token=None, expire_at=link.expires_at, url=None, mailed=True)
    return AuthToken(token=url.rstrip("/").rpartition("/")[2], expire_at=link.expires_at, url=url, mailed=False)
