"""What a user has beside mail: a note while they are away, facts, who else may use the mailbox, other accounts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api.errors import Fault, Invalid
from api.operations import Created, Group
from api.schemas import Address, Answer, Body, Port, UpperCase, left_out
from api.v1 import subjects
from config.kit.net import Category
from domains.errors import DomainsError
from domains.models import Mailbox, MailboxProfile, RemotePull
from domains.selectors.pulls import get_pull, list_pulls
from domains.services import account_rights, profiles, pulls

group = Group(
    "User extras",
    "A note while somebody is away, facts about an account, rights of others on it, and accounts it fetches from.",
    names={
        "absence_on": "enabled",
        "absence_from": "start",
        "absence_until": "end",
        "is_enabled": "enabled",
        "use_tls": "tls",
    },
)

_seen = subjects.mailbox(own=True)
_editing = subjects.mailbox(Right.MANAGE_USERS, own=EndUserRight.EDIT_PROFILE)
_fetching = subjects.mailbox(Right.MANAGE_USERS, own=EndUserRight.MANAGE_FORWARDING)

Value = str | int | float | bool | None
Facts = Annotated[dict[str, Value], Field(max_length=200, examples=[{"City": "London"}])]


# --- the note while away ----------------------------------------------------------------------------------------------


class Absence(Answer):
    """What people are told while somebody is away."""

    enabled: bool
    start: dt.date | None
    end: Annotated[dt.date | None, Field(description="The last day.")]
    subject: str
    text: str


class AbsenceBody(Body):
    """The whole note."""

    enabled: bool
    start: dt.date | None = None
    end: Annotated[dt.date | None, Field(description="The last day.")] = None
    subject: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=10_000, examples=["I am back on Monday."])] = ""


def _absence(row: MailboxProfile) -> Absence:
    return Absence(
        enabled=row.absence_on,
        start=row.absence_from,
        end=row.absence_until,
        subject=row.absence_subject,
        text=row.absence_text,
    )


@group.get("/users/{int:userId}/absence", admit=_seen)
def absence_detail(actor: Actor, mailbox: Mailbox) -> Absence:
    """Read the note that is sent while a user is away."""
    return _absence(profiles.profile_of(mailbox))


@group.put("/users/{int:userId}/absence", admit=_editing)
def absence_set(actor: Actor, mailbox: Mailbox, body: AbsenceBody) -> Absence:
    """Set the note that is sent while a user is away."""
    kept = profiles.set_absence(
        actor, mailbox, on=body.enabled, start=body.start, end=body.end, subject=body.subject, text=body.text
    )
    return _absence(kept)


# --- facts ------------------------------------------------------------------------------------------------------------


class Profile(Answer):
    """What is known about an account, and what clients remember for its person."""

    account_type: str
    information: dict[str, Value]
    preferences: dict[str, Value]


class ProfileChange(Body):
    """Fields left out stay; so do names that aren't among those sent. Null removes one."""

    account_type: Annotated[str, Field(max_length=40, examples=["MultiMailbox"])] = left_out()
    information: Facts = left_out()
    preferences: Annotated[Facts, Field(description="Also of one's own.")] = left_out()


def _profile(row: MailboxProfile) -> Profile:
    return Profile(account_type=row.account_type, information=row.information, preferences=row.preferences)


@group.get("/users/{int:userId}/profile", admit=_seen)
def profile_detail(actor: Actor, mailbox: Mailbox) -> Profile:
    """Read the facts and preferences of a user."""
    return _profile(profiles.profile_of(mailbox))


@group.patch("/users/{int:userId}/profile", admit=_editing)
def profile_change(actor: Actor, mailbox: Mailbox, body: ProfileChange) -> None:
    """Change facts and preferences of a user.

    People change their own preferences; type and information are for who manages them.
    """
    given = body.changes()
    with transaction.atomic():
        if "account_type" in given:
            profiles.set_account_type(actor, mailbox, given["account_type"])
        if "information" in given:
            profiles.set_information(actor, mailbox, given["information"])
        if "preferences" in given:
            profiles.set_preferences(actor, mailbox, given["preferences"])


# --- rights of others -------------------------------------------------------------------------------------------------


class AccountRight(Answer):
    """What somebody else may do with the mailbox, in the letters of RFC 4314."""

    address: Annotated[str, Field(description="A user of the same domain or customer, or “anyone”.")]
    rights: Annotated[str, Field(examples=["lrs"])]


class AccountRightBody(Body):
    """The same to set; no letters: none."""

    address: Annotated[Address, Field(examples=["user@example.org"])]
    rights: Annotated[str, Field(max_length=20, examples=["lrs"])]


@group.get("/users/{int:userId}/rights", admit=_seen)
def account_rights_list(actor: Actor, mailbox: Mailbox) -> list[AccountRight]:
    """List what others may do with a user's mailbox."""
    return _rights(mailbox)


@group.put("/users/{int:userId}/rights", admit=_editing)
def account_rights_set(
    actor: Actor, mailbox: Mailbox, body: Annotated[list[AccountRightBody], Field(max_length=account_rights.MOST)]
) -> list[AccountRight]:
    """Set what others may do with a user's mailbox.

    Exactly this; who isn't among them may nothing.
    """
    given: dict[str, str] = {}
    for number, each in enumerate(body):
        name = each.address.strip().lower()
        if name in given:
            text = _("This address is there twice.")
            raise Invalid(text, faults=[Fault(f"[{number}].address", text)])
        given[name] = each.rights
    try:
        account_rights.set_rights(actor, mailbox, given)
    except DomainsError as error:
        name = error.field.partition(".")[2]
        if name in given:
            error.field = f"[{list(given).index(name)}]"
        raise
    return _rights(mailbox)


@group.get("/users/{int:userId}/rights/{address}", admit=_seen)
def account_rights_effective(actor: Actor, mailbox: Mailbox, address: str) -> AccountRight:
    """What may somebody do with a user's mailbox, all in all?

    Their own rights and everybody's. 404 for an address that is no user of the same domain or customer.
    """
    grantee = subjects.there(account_rights.find_grantee(mailbox, address))
    return AccountRight(address=grantee.address, rights=account_rights.effective_rights(mailbox, grantee))


def _rights(mailbox: Mailbox) -> list[AccountRight]:
    return [AccountRight(address=name, rights=letters) for name, letters in account_rights.rights_of(mailbox).items()]


# --- accounts elsewhere -----------------------------------------------------------------------------------------------

Protocol = Annotated[Literal["POP3", "IMAP"], UpperCase]
Minutes = Annotated[int, Field(ge=1, le=10_080)]


class Pull(Answer):
    """An account elsewhere whose mail is fetched; its password is never answered."""

    id: int
    name: str
    protocol: Literal["POP3", "IMAP"]
    host: str
    port: int
    tls: bool
    username: str
    remote_folder: str
    folder: str
    every_minutes: int
    leave_there: bool
    enabled: bool


class PullChange(Body):
    """Fields left out stay. With another server its password is needed again."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    protocol: Protocol = left_out()
    host: Annotated[str, Field(min_length=1, max_length=253)] = left_out()
    port: Port = left_out()
    tls: bool = left_out()
    username: Annotated[str, Field(min_length=1, max_length=254)] = left_out()
    password: Annotated[str, Field(min_length=1, max_length=500)] = left_out()
    remote_folder: Annotated[str, Field(max_length=200)] = left_out()
    folder: Annotated[str, Field(max_length=200)] = left_out()
    every_minutes: Minutes = left_out()
    leave_there: bool = left_out()
    enabled: bool = left_out()


class PullAdd(PullChange):
    """Where, how, and as whom."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Old account"])]
    protocol: Protocol
    host: Annotated[str, Field(min_length=1, max_length=253, examples=["imap.example.net"])]
    port: Annotated[Port, Field(examples=[993])]
    username: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=500)]


class PullTrial(Answer):
    """Whether signing in there works, and else the kind of failure."""

    works: bool
    failure: str | None
    words: str | None


def _pull_values(body: PullChange) -> dict[str, Any]:
    names = {"tls": "use_tls", "enabled": "is_enabled"}
    given = {names.get(name, name): value for name, value in body.changes().items()}
    return given | ({"protocol": given["protocol"].lower()} if "protocol" in given else {})


def _pull(row: RemotePull) -> Pull:
    protocol: Any = row.protocol.upper()
    return Pull(
        id=row.pk,
        name=row.name,
        protocol=protocol,
        host=row.host,
        port=row.port,
        tls=row.use_tls,
        username=row.username,
        remote_folder=row.remote_folder,
        folder=row.folder,
        every_minutes=row.every_minutes,
        leave_there=row.leave_there,
        enabled=row.is_enabled,
    )


def _one_pull(actor: Actor, user_id: int, pull_id: int) -> RemotePull:
    return get_pull(_fetching(actor, user_id), pull_id)


@group.get("/users/{int:userId}/pulls", admit=_fetching)
def pull_list(actor: Actor, mailbox: Mailbox) -> list[Pull]:
    """List the accounts elsewhere from which a user's mail is fetched."""
    return [_pull(row) for row in list_pulls(mailbox)]


@group.post("/users/{int:userId}/pulls", admit=_fetching)
def pull_create(actor: Actor, mailbox: Mailbox, body: PullAdd) -> Created[Pull]:
    """Fetch a user's mail from an account elsewhere too."""
    made = pulls.create_pull(actor, mailbox, _pull_values(body))
    return Created(_pull(made), f"/users/{mailbox.user_id}/pulls/{made.pk}")


@group.get("/users/{int:userId}/pulls/{int:pullId}", admit=_one_pull)
def pull_detail(actor: Actor, pull: RemotePull) -> Pull:
    """Read an account elsewhere."""
    return _pull(pull)


@group.patch("/users/{int:userId}/pulls/{int:pullId}", admit=_one_pull)
def pull_change(actor: Actor, pull: RemotePull, body: PullChange) -> None:
    """Change some fields of an account elsewhere."""
    pulls.update_pull(actor, pull, _pull_values(body))


@group.delete("/users/{int:userId}/pulls/{int:pullId}", admit=_one_pull)
def pull_delete(actor: Actor, pull: RemotePull) -> None:
    """Fetch no more from an account elsewhere.

    What was fetched stays.
    """
    pulls.delete_pull(actor, pull)


@group.post("/users/{int:userId}/pulls/{int:pullId}/trial", admit=_one_pull, status=200)
def pull_try(actor: Actor, pull: RemotePull) -> PullTrial:
    """Try to sign in at an account elsewhere.

    Through the gate that keeps private hosts out; the words of the other side are told to nobody.
    """
    failed = pulls.try_pull(actor, pull)
    return PullTrial(works=not failed, failure=failed or None, words=str(Category(failed).words) if failed else None)
