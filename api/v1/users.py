"""Users: mailboxes and the people who sign in with them."""

from __future__ import annotations

from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.services import set_password
from accounts.services.second_factors import remove_second_factors
from api import filters
from api.errors import Conflict, Fault, Invalid, NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.v1 import subjects
from api.v1.address_documents import GroupDetail, present_group_detail
from api.v1.user_documents import NAMES, NewUser, UserAnswer, UserChange, person_id, present, with_related
from api.v1.wording import LANGUAGES, STATES
from domains import selectors
from domains.models import Domain, Mailbox, Status
from domains.services import mailbox_states, policies, relays
from domains.services.mailboxes import create_mailbox, update_mailbox
from domains.services.purging import purge_mailbox
from domains.services.readdressing import rename_mailbox
from jobs import mails
from jobs.errors import BadArguments, NotReady

M = TypeVar("M", bound=Model)
group = Group("Users", "Mailboxes, and the people who sign in with them.", names=NAMES)

USERS = Listing(
    UserAnswer,
    present,
    sorts={"email": "address", "id": "user_id", "name": "name", "occupation": "fill_permille"},
    default="email",
    filters={
        "email": filters.text("address", "The address.", canonical=True, many=True),
        "name": filters.text("name", "What the person is called.", many=True),
        "status": filters.choice("status", "The state.", STATES),
        "domainId": filters.number("domain_id", "The domain."),
        "customerId": filters.number("customer_id", "The customer."),
        "platformId": filters.number("relay_id", "A platform of the user's own."),
        "platformName": filters.text("relay__name", "The name of a platform of the user's own."),
        "policyId": filters.number("policy_id", "A policy of the user's own."),
        "minOccupationRatio": filters.ratio("fill_permille__gte", "At least so full, as 0.8."),
        "maxOccupationRatio": filters.ratio("fill_permille__lte", "At most so full."),
    },
)


@group.list("/users", USERS)
def user_list(actor: Actor) -> QuerySet[Mailbox]:
    """List users of all domains.

    Those of domains in which the caller may not see people are left out.
    """
    return with_related(selectors.list_mailboxes(actor))


@group.list("/domains/{int:domainId}/users", USERS)
def domain_users(actor: Actor, domain_id: int) -> QuerySet[Mailbox]:
    """List the users of a domain."""
    domain = subjects.domain()(actor, domain_id)
    return with_related(selectors.list_mailboxes(actor, domain=domain))


@group.post("/users", admit=subjects.somewhere(Right.MANAGE_USERS))
def user_create(actor: Actor, body: NewUser) -> Created[UserAnswer]:
    """Make a user.

    The domain follows from the address; a `domainId` that disagrees is refused. Without a password the person can't
    sign in until they are invited.
    """
    domain = _domain_of(actor, body)
    with transaction.atomic():
        mailbox = create_mailbox(
            actor,
            domain,
            email=body.email,
            first_name=body.firstname or "",
            last_name=body.lastname or "",
            language=LANGUAGES.get(body.language or "", ""),
            status=STATES[body.status],
            password=body.password,
            sender_verify=body.sender_verify_on,
        )
        _set_services(actor, mailbox, body)
        _notify(actor, mailbox, body)
    key = person_id(mailbox)
    return Created(present(actor, [subjects.mailbox()(actor, key)])[0], f"/users/{key}")


def _domain_of(actor: Actor, body: NewUser) -> Domain:
    """The domain that the address names, if the caller may make users there."""
    name = body.email.rpartition("@")[2]
    domain = selectors.find_domain(actor, name)
    if domain is None:
        text = "There is no such domain, or none that you may see."
        raise Invalid(f"email: {text}", faults=[Fault("email", text)])
    actor.require(Right.MANAGE_USERS, domain)
    _require_same_domain(domain, body)
    return domain


def _require_same_domain(domain: Domain, body: UserChange) -> None:
    if "domain_id" in body.model_fields_set and body.domain_id != domain.pk:
        text = "The address belongs to another domain."
        raise Invalid(f"domainId: {text}", faults=[Fault("domainId", text)])


@group.get("/users/{int:userId}", admit=subjects.mailbox(own=True))
def user_detail(actor: Actor, mailbox: Mailbox) -> UserAnswer:
    """Read a user."""
    return present(actor, [mailbox])[0]


def _changeable(actor: Actor, user_id: int) -> Mailbox:
    """For who may change anything at all of a user; each service asks for its own right."""
    found = subjects.mailbox(own=True)(actor, user_id)
    rights = (Right.SET_PASSWORDS, Right.MANAGE_POLICIES, Right.MANAGE_RELAYS)
    if not any(actor.has(right, found) for right in rights):
        actor.require(Right.MANAGE_USERS, found)
    return found


@group.patch("/users/{int:userId}", admit=_changeable)
def user_change(actor: Actor, mailbox: Mailbox, body: UserChange) -> None:
    """Change some fields of a user.

    Each needs its right: a password that to set passwords, a policy that to change policies, a platform that to manage
    platforms, all others that to manage people. All or nothing.
    """
    changes = body.changes()
    with transaction.atomic():
        if "email" in changes:
            rename_mailbox(actor, mailbox, email=body.email)
        _require_same_domain(mailbox.domain, body)
        words = {inside: changes[name] or "" for name, inside in _WORDS.items() if name in changes}
        if "language" in changes:
            words["language"] = LANGUAGES.get(body.language or "", "")
        own = {"sender_verify": body.sender_verify_on} if "sender_verify_on" in changes else {}
        if words or own:
            update_mailbox(actor, mailbox, {**words, **own})
        if "password" in changes:
            _set_password(actor, mailbox, body.password)
        _set_services(actor, mailbox, body)
        if "status" in changes:
            mailbox_states.set_status(actor, mailbox, STATES[body.status])
        if "mfa_type" in changes and mailbox.user is not None:
            remove_second_factors(actor, mailbox.user)
        _notify(actor, mailbox, body)


_WORDS = {"firstname": "first_name", "lastname": "last_name"}


def _set_password(actor: Actor, mailbox: Mailbox, password: str) -> None:
    if mailbox.user is None:
        raise Conflict("Nobody signs in with this mailbox.", faults=[Fault("password", "Nobody signs in with it.")])
    set_password(actor, mailbox.user, password=password)


def _notify(actor: Actor, mailbox: Mailbox, body: UserChange) -> None:
    """Mail the user about the account, when it is made or changed for good."""
    if not body.send_notification:
        return
    if mailbox.user is None:
        raise Conflict("Nobody signs in with this mailbox.", faults=[Fault("sendNotification", "Nobody signs in.")])
    try:
        mails.welcome(actor, User.objects.get(pk=mailbox.user.pk))
    except (NotReady, BadArguments) as error:
        raise Invalid(f"sendNotification: {error}", faults=[Fault("sendNotification", str(error))]) from error


def _set_services(actor: Actor, mailbox: Mailbox, body: UserChange) -> None:
    """The policy and the platform of a user's own."""
    if "policy_id" in body.model_fields_set:
        policies.set_mailbox_policy(actor, mailbox, _own(mailbox.domain.policies.all(), "policyId", body.policy_id))
    if "platform_id" in body.model_fields_set:
        relays.set_mailbox_relay(actor, mailbox, _own(mailbox.domain.relays.all(), "platformId", body.platform_id))


def _own(rows: QuerySet[M], field: str, key: int | None) -> M | None:
    return None if key is None else subjects.named(field, lambda: subjects.one(rows, key))


@group.delete("/users/{int:userId}", admit=subjects.mailbox(Right.MANAGE_USERS))
def user_delete(actor: Actor, mailbox: Mailbox) -> None:
    """Delete a user (delayed).

    The user takes no mail and can't sign in any more, and is purged at `purgeDate`; until then the deletion can be
    undone. Archived mail stays.
    """
    if mailbox.status == Status.DELETED:
        raise NotFound()
    mailbox_states.delete_mailbox(actor, mailbox)


@group.post("/users/{int:userId}/restoration", admit=subjects.mailbox(Right.MANAGE_USERS), status=200)
def user_restore(actor: Actor, mailbox: Mailbox) -> UserAnswer:
    """Undo the deletion of a user."""
    mailbox_states.restore_mailbox(actor, mailbox)
    return present(actor, [mailbox])[0]


@group.post("/users/{int:userId}/purge", admit=subjects.mailbox(Right.MANAGE_USERS))
def user_purge(actor: Actor, mailbox: Mailbox) -> None:
    """Purge a deleted user now, before its date.

    Can't be undone; archived mail stays. 409 unless the user is deleted.
    """
    purge_mailbox(actor, mailbox)


@group.get("/users/{int:userId}/groups", admit=subjects.mailbox(own=True))
def user_groups(actor: Actor, mailbox: Mailbox) -> list[GroupDetail]:
    """List the groups that lead to a user, as far as one sees them."""
    return [present_group_detail(actor, each) for each in selectors.groups_of(actor, mailbox)]
