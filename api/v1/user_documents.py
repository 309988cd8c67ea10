"""How a user is written and read: a mailbox with the person who signs in with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import Http404
from pydantic import Field

from accounts import factors
from accounts.actors import Actor
from accounts.permissions import Right
from api.schemas import Address, Answer, Body, Id, Moment, left_out
from api.v1.platforms import PlatformAnswer
from api.v1.platforms import present as present_platform
from api.v1.policy_documents import PolicyAnswer
from api.v1.policy_documents import present as present_policy
from api.v1.wording import AnyCaseLanguage, NewState, State
from config.kit.fixed import Fixed, together
from domains import inheritance
from domains.models import Mailbox, Policy, Relay

PersonName = Annotated[str, Field(max_length=100)]
Password = Annotated[str, Field(min_length=1, max_length=500, description="In clear text; never answered.")]
NAMES = {
    "first_name": "firstname",
    "last_name": "lastname",
    "policy": "policyId",
    "relay": "platformId",
    "sender_verify": "senderVerifyOn",
}


class UserChange(Body):
    """Fields left out stay; null goes back to what the domain says, or empties."""

    email: Annotated[Address, Field(description="Another address of the same customer; the mail comes along.")] = (
        left_out()
    )
    firstname: PersonName | None = None
    lastname: PersonName | None = None
    status: NewState = left_out()
    language: AnyCaseLanguage | None = None
    password: Password = left_out()
    domain_id: Annotated[Id, Field(description="Only to say it again: it follows from the address.")] = left_out()
    policy_id: Id | None = None
    platform_id: Id | None = None
    auth_id: Annotated[None, Field(description="How people sign in is the platform's.")] = None
    sender_verify_on: bool | None = None
    mfa_type: Annotated[
        Literal["NONE"], Field(description="Switches multi-factor authentication off; for somebody else.")
    ] = left_out()
    send_notification: Annotated[
        bool,
        Field(
            description="Mail the user about the account, with a link to choose a password, as a task: 422 where no "
            "mail server is configured. Needs the right to set passwords."
        ),
    ] = False


class NewUser(UserChange):
    """Only the address and the state are needed; the domain follows from the address."""

    email: Annotated[Address, Field(examples=["ada@example.org"])]
    status: NewState


class UserAnswer(Answer):
    """A user: a mailbox and its person."""

    id: int
    email: str
    name: str
    firstname: str
    lastname: str
    status: State
    language: str
    creation_date: Moment
    deletion_date: Moment | None
    purge_date: Moment | None
    domain_id: int
    policy: Annotated[PolicyAnswer | None, Field(description="What counts; null without the right to see policies.")]
    policy_id: Annotated[int | None, Field(description="The user's own; null: the domain's counts.")]
    domain_policy_id: int | None
    sender_verify_on: bool
    domain_status: State
    platform: Annotated[
        PlatformAnswer | None, Field(description="What counts; null without the right to manage platforms.")
    ]
    platform_id: Annotated[int | None, Field(description="The user's own; null: the domain's counts.")]
    domain_platform_id: int | None
    mfa_type: Literal["NONE", "TOTP"]
    last_connection_date: Moment | None
    used_bytes: int
    used_messages: int
    occupation_ratio: Annotated[float, Field(description="Used of the quota that counts; 0 where there is none.")]


def with_related(rows: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """What `present` looks at of each row; the policies and platforms that many share it reads itself."""
    return rows.select_related("domain__customer", "user")


def person_id(mailbox: Mailbox) -> int:
    """The API's id of a user: that of the person, who keeps it as an administrator too. Raises: Http404 (purged)."""
    if mailbox.user_id is None:
        raise Http404("no such object")
    return mailbox.user_id


def present(actor: Actor, rows: Sequence[Mailbox]) -> list[UserAnswer]:
    """Users as they are answered; three queries, however many."""
    around = _Around(rows)
    return [_present(actor, row, around) for row in rows]


_POLICIES = Fixed(lambda keys: Policy.objects.filter(pk__among=keys), list)
_RELAYS = Fixed(
    lambda domains, keys: Relay.objects.filter(Q(domain_id__among=domains, is_default=True) | Q(pk__among=keys)),
    list,
    list,
)


class _Around:
    """What rows share: their domains' settings, and the policies and relays that count."""

    def __init__(self, rows: Sequence[Mailbox]) -> None:
        domains = {row.domain_id: row.domain for row in rows}
        told = inheritance.settings_question(list(domains.values()))
        named = {row.policy_id for row in rows} | {domain.default_policy_id for domain in domains.values()}
        settings, policies, relays = together(
            told.query,
            _POLICIES.asked([key for key in named if key is not None]),
            _RELAYS.asked(list(domains), [row.relay_id for row in rows if row.relay_id is not None]),
        )
        self.settings = dict(zip(domains, told.answers(settings), strict=True))
        self.policies = {policy.pk: present_policy(policy) for policy in policies}
        self.relays = {relay.pk: relay for relay in relays}
        self.default_relays = {relay.domain_id: relay for relay in self.relays.values() if relay.is_default}

    def policy(self, row: Mailbox) -> PolicyAnswer | None:
        return self.policies.get(row.policy_id or row.domain.default_policy_id or 0)

    def relay(self, row: Mailbox) -> Relay | None:
        return self.relays.get(row.relay_id or 0) or self.default_relays.get(row.domain_id)


def _present(actor: Actor, row: Mailbox, around: _Around) -> UserAnswer:
    person, domain, settings = row.user, row.domain, around.settings[row.domain_id]
    relay, domain_relay = around.relay(row), around.default_relays.get(row.domain_id)
    verifies = settings["sender_verify"].value if row.sender_verify is None else row.sender_verify
    language = (person.language if person is not None else "") or settings["default_language"].value
    return UserAnswer(
        id=person_id(row),
        email=row.address,
        name=row.name,
        firstname=person.first_name if person is not None else "",
        lastname=person.last_name if person is not None else "",
        status=_state(row.status),
        language=language.upper(),
        creation_date=row.created_at,
        deletion_date=row.deleted_at,
        purge_date=row.purge_at,
        domain_id=row.domain_id,
        policy=around.policy(row) if actor.has(Right.VIEW_POLICIES, row) else None,
        policy_id=row.policy_id,
        domain_policy_id=domain.default_policy_id,
        sender_verify_on=verifies,
        domain_status=_state(domain.status),
        platform=None if relay is None or not actor.has(Right.MANAGE_RELAYS, row) else present_platform(relay),
        platform_id=row.relay_id,
        domain_platform_id=None if domain_relay is None else domain_relay.pk,
        mfa_type="TOTP" if person is not None and factors.has_second_factor(person) else "NONE",
        last_connection_date=row.last_sign_in_at or (person.last_login if person is not None else None),
        used_bytes=row.used_bytes,
        used_messages=row.used_messages,
        occupation_ratio=row.fill_permille / 1000,
    )


def _state(status: str) -> Any:
    return status.upper()
