"""Who gets in where: people's pages, administrators and rights, options, the audit trail."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import services
from accounts.actors import Actor
from accounts.models import (
    AppPassword,
    AuditEvent,
    Grant,
    GroupRole,
    Identity,
    Passkey,
    SignInThrottle,
    Source,
    TrustedDevice,
    User,
)
from accounts.permissions import CONFIGURING, Right
from accounts.scopes import SERVER
from accounts.services.administrators import NewPerson, create_administrator
from accounts.services.authenticators import begin_app
from accounts.services.grants import Bundle, add_grant
from accounts.services.roles import create_role
from accounts.services.sources import create_source
from domains.models import Customer, Domain
from tests import factories
from tests.access import (
    AnyRow,
    Cast,
    Row,
    Scoped,
    for_administrators,
    in_domain,
    of_customer,
    public,
    somewhere,
)
from tests.domains.factories import make_mailbox_in
from tests.factories import make_session

Args = tuple[object, ...]
SYSTEM = Actor.system()
_numbers = itertools.count(1)
VIEWS = Bundle(rights=frozenset({Right.VIEW_USERS}))


def a_link(cast: Cast, owner: User) -> Args:
    return (services.issue_reset_link(SYSTEM, owner).rstrip("/").rsplit("/", 1)[1],)


def the_person(cast: Cast, owner: User) -> Args:
    return (owner.pk,)


def as_person(cast: Cast, owner: User) -> Args:
    return ("user", owner.pk)


def somebody(cast: Cast, domain: Domain) -> Args:
    return (_somebody(domain).pk,)


def _somebody(domain: Domain) -> User:
    user = make_mailbox_in(domain).user
    assert user is not None
    return user


def in_scope(cast: Cast, domain: Domain) -> Args:
    return ("user", _somebody(domain).pk)


def the_domain(cast: Cast, domain: Domain) -> Args:
    return ("domain", domain.pk)


def the_customer(cast: Cast, customer: Customer) -> Args:
    return ("customer", customer.pk)


def of_server(cast: Cast, owner: User) -> Args:
    return ("server", 0)


def a_session(cast: Cast, owner: User) -> Args:
    return (make_session(owner).pk,)


def a_session_of_somebody(cast: Cast, domain: Domain) -> Args:
    return (make_session(_somebody(domain)).pk,)


def _app_password(owner: User) -> AppPassword:
    return AppPassword.objects.create(user=owner, name=f"phone {next(_numbers)}", protocols=["smtp"], secret_hash="x:y")


def an_app_password(cast: Cast, owner: User) -> Args:
    return (_app_password(owner).pk,)


def an_app_password_of_somebody(cast: Cast, domain: Domain) -> Args:
    user = _somebody(domain)
    return (user.pk, _app_password(user).pk)


def own_app_password(cast: Cast, owner: User) -> Args:
    return (owner.pk, _app_password(owner).pk)


def a_wait(cast: Cast, owner: User) -> Args:
    return (SignInThrottle.objects.create(key=f"network:{next(_numbers)}").pk,)


def a_token(cast: Cast, owner: User) -> Args:
    return (services.create_token(SYSTEM, owner, name="x").token.pk,)


def app_begun(cast: Cast, owner: User) -> Args:
    begin_app(Actor.for_user(owner))
    return ()


def a_passkey(cast: Cast, owner: User) -> Args:
    number = next(_numbers)
    made = Passkey.objects.create(
        user=owner, name=f"Key {number}", credential_id=b"k%d" % number, public_key=b"p", handle=b"h", rp_id="x.example"
    )
    return (made.pk,)


def a_device(cast: Cast, owner: User) -> Args:
    until = timezone.now() + timedelta(days=1)
    made = TrustedDevice.objects.create(user=owner, token_hash=f"d{next(_numbers)}", stamp="s", expires_at=until)
    return (made.pk,)


def a_token_of_somebody(cast: Cast, domain: Domain) -> Args:
    user = _somebody(domain)
    return (user.pk, services.create_token(SYSTEM, user, name="x").token.pk)


def own_token(cast: Cast, owner: User) -> Args:
    return (owner.pk, services.create_token(SYSTEM, owner, name="x").token.pk)


def a_source(cast: Cast, owner: User) -> Args:
    return (_source(SERVER, "oidc", issuer="http://localhost:9", client_id="postkeep").pk,)


def an_identity(cast: Cast, owner: User) -> Args:
    (key,) = a_source(cast, owner)
    source = Source.objects.get(pk=str(key))
    return (Identity.objects.create(source=source, user=owner, subject=f"s-{next(_numbers)}").pk,)


def new_source(cast: Cast, domain: Domain) -> Args:
    return ("domain", domain.pk, "ldap")


def a_source_in(cast: Cast, domain: Domain) -> Args:
    made = _source(domain, "ldap", host="ldap.example.org", base_dn="dc=example")
    Source.objects.filter(pk=made.pk).update(authority=[])  # as if by who holds little
    return (made.pk,)


def a_source_s_group(cast: Cast, domain: Domain) -> Args:
    (key,) = a_source_in(cast, domain)
    row = GroupRole.objects.create(
        source=Source.objects.get(pk=str(key)), group="cn=x", role_key="help_desk", level="domain", object_id=domain.pk
    )
    return (key, row.pk)


def _source(place: object, kind: str, **settings: object) -> Source:
    return create_source(SYSTEM, place, kind=kind, name=f"Source {next(_numbers)}", settings=settings)


def _grant(obj: Domain | Customer) -> Grant:
    return add_grant(SYSTEM, factories.make_user(), obj, VIEWS)


def a_grant(cast: Cast, obj: Any) -> Args:
    return (_grant(obj).pk,)


def a_grantee(cast: Cast, obj: Any) -> Args:
    return (_grant(obj).user.pk,)


def a_role(cast: Cast, obj: Any) -> Args:
    return (create_role(SYSTEM, obj, name="Desk", rights=["view_users"]).pk,)


def an_event(cast: Cast, domain: Domain) -> Args:
    _somebody(domain)
    return (AuditEvent.objects.filter(domain_id=domain.pk).latest("pk").pk,)


def person(route: str, answer: int = 200, *, need: Right = Right.VIEW_USERS, **more: Any) -> Scoped:
    """A page about a person: those who may see them, with the right it takes; nobody for themselves."""
    defaults: dict[str, Any] = {"own": 403, "own_args": the_person, "args": somebody}
    return in_domain(route, answer, see=Right.VIEW_USERS, need=need, **(defaults | more))


def each_scope(route: str, answer: int = 200, *, need: Right, more: Args = (), **rest: Any) -> list[AnyRow]:
    """A page of anything that is a scope: server, customer, domain, person."""
    own = rest.pop("own", 403)

    def plus(args: Any) -> Any:
        return lambda cast, obj: (*args(cast, obj), *more)

    def variant(name: str) -> dict[str, Any]:
        return {"variant": name, **rest}

    return [
        in_domain(route, answer, need=need, args=plus(the_domain), **variant("of a domain")),
        of_customer(route, answer, need=need, args=plus(the_customer), **variant("of a customer")),
        in_domain(
            route, answer, see=Right.VIEW_USERS, need=need, args=plus(in_scope), own=own,
            own_args=plus(as_person), **variant("of a person"),
        ),
        for_administrators(route, answer, args=plus(of_server), **variant("of the server")),
    ]  # fmt: skip


def with_grants(route: str, answer: int = 200, *, need: Any = (), args: Any, **more: Any) -> list[AnyRow]:
    """A page about somebody's rights on a domain, or on a customer."""
    see = Right.VIEW_GRANTS
    return [
        in_domain(route, answer, see=see, need=need, args=args, variant="on a domain", **more),
        of_customer(route, answer, see=see, need=need, args=args, variant="on a customer", **more),
    ]


def of_own_people(cast: Cast, obj: Any) -> Args:
    """Somebody who was made for the place, and belongs there."""
    grant = create_administrator(SYSTEM, obj, NewPerson(f"made{next(_numbers)}@partner.example"), VIEWS)
    return (grant.user.pk,)


def with_users(route: str, answer: int = 200, **more: Any) -> list[AnyRow]:
    """A page about an administrator whose account belongs to the place too."""
    return with_grants(route, answer, need=Right.MANAGE_USERS, args=of_own_people, **more)


GIVEN = {"email": "new@partner.example", "role": "", "rights": ["view_users"]}
SIZE = ("PAGE_SIZE",)
BY_WHO_SETS_UP: dict[str, Any] = {"see": Right.MANAGE_SOURCES, "need": Right.SET_PASSWORDS}
ROWS: list[AnyRow] = [
    Row("accounts:sign-in", anonymous=200, own=303, administrator=303),
    public("accounts:sign-in-organisation"),
    public("accounts:sign-in-organisation", 422, method="POST", data={"email": "x"}),
    somewhere("accounts:source-list", need=Right.MANAGE_SOURCES),
    somewhere("accounts:source-new", need=Right.MANAGE_SOURCES),
    in_domain("accounts:source-create", see=Right.VIEW_DOMAINS, need=CONFIGURING, args=new_source),
    in_domain(
        "accounts:source-create", 422, method="POST", see=Right.VIEW_DOMAINS, need=CONFIGURING,
        args=new_source, data={"name": "x"},
    ),
    in_domain("accounts:source-detail", see=Right.MANAGE_SOURCES, args=a_source_in),
    in_domain("accounts:source-edit", **BY_WHO_SETS_UP, args=a_source_in),
    in_domain(
        "accounts:source-edit", 422, method="POST", **BY_WHO_SETS_UP, args=a_source_in, data={"name": ""}
    ),
    in_domain("accounts:source-try", **BY_WHO_SETS_UP, args=a_source_in),
    in_domain("accounts:source-try", method="POST", **BY_WHO_SETS_UP, args=a_source_in),
    in_domain("accounts:source-groups", see=Right.MANAGE_SOURCES, args=a_source_in),
    in_domain(
        "accounts:source-groups", 422, method="POST", **BY_WHO_SETS_UP, args=a_source_in, data={"group": ""}
    ),
    in_domain(
        "accounts:source-group-remove", 303, method="POST", **BY_WHO_SETS_UP, args=a_source_s_group
    ),
    in_domain(
        "accounts:source-release", 303, method="POST", **BY_WHO_SETS_UP, args=a_source_in, data={"email": "x"}
    ),
    in_domain("accounts:source-delete", 303, method="POST", **BY_WHO_SETS_UP, args=a_source_in),
    in_domain("accounts:source-choice", see=Right.VIEW_DOMAINS, need=CONFIGURING, args=the_domain),
    in_domain(
        "accounts:source-choice", 303, method="POST", see=Right.VIEW_DOMAINS, need=CONFIGURING,
        args=the_domain, data={"source": "local"},
    ),
    Row("accounts:provider-start", anonymous=503, own=303, administrator=303, args=a_source),
    public("accounts:provider-back", 403, args=a_source),
    public("accounts:sign-in", 422, method="POST", data={"email": "x"}),
    public("accounts:second-step", 303),
    public("accounts:second-step", 303, method="POST", data={"code": "123456"}),
    public("accounts:passkey-question", 200, method="POST"),
    public("accounts:password-strength", 200, method="POST", data={"password": "x", "field": "password"}),
    public("accounts:passkey-sign-in", 303, method="POST", data={"answer": "{}"}),
    Row("accounts:sign-out", method="POST", own=303, administrator=303),
    public("accounts:link", 200, args=a_link),
    public("accounts:link", 422, method="POST", args=a_link, data={"password": "short"}),
    Row("accounts:account", own=200, administrator=200),
    Row("accounts:account", method="POST", own=422, administrator=422, data={"theme": "none"}),
    Row("accounts:change-password", own=200, administrator=200),
    Row("accounts:change-password", method="POST", own=422, administrator=422, data={"old": "x"}),
    Row("accounts:prove", own=200, administrator=200),
    Row("accounts:prove", method="POST", own=422, administrator=422, data={"method": "password", "code": "x"}),
    Row("accounts:own-identities", own=200, administrator=200),
    Row("accounts:identity-link", own=303, administrator=303),
    Row(
        "accounts:identity-unlink", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=an_identity,
    ),
    Row("accounts:provider-prove", own=303, administrator=303),  # none of them signs in at a provider
    Row("accounts:own-factors", own=200, administrator=200),
    Row("accounts:app-begin", method="POST", own=303, administrator=303),
    Row("accounts:app-set-up", own=303, administrator=303),
    Row(
        "accounts:app-set-up", method="POST", own=422, foreign=303, administrator=422, administrator_foreign=303,
        args=app_begun, data={"code": "x"},
    ),
    Row("accounts:app-remove", method="POST", own=303, administrator=303),
    Row("accounts:passkey-add", own=200, administrator=200),
    Row("accounts:passkey-add", method="POST", own=422, administrator=422, data={"name": "Key", "answer": "{}"}),
    Row(
        "accounts:passkey-rename", own=200, foreign=404, administrator=200, administrator_foreign=404, args=a_passkey
    ),
    Row(
        "accounts:passkey-rename", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=a_passkey, data={"name": "Blue key"},
    ),
    Row(
        "accounts:passkey-remove", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=a_passkey,
    ),
    Row("accounts:recovery-codes", method="POST", own=403, administrator=403),  # there is nothing they stand in for
    Row("accounts:trusted-devices-revoke", method="POST", own=303, administrator=303),
    Row(
        "accounts:trusted-device-revoke", method="POST", own=303, foreign=404, administrator=303,
        administrator_foreign=404, args=a_device,
    ),
    Row("accounts:own-tokens", own=200, administrator=200),
    Row("accounts:token-create", own=200, administrator=200),
    Row("accounts:token-create", method="POST", own=200, administrator=200, data={"name": "sync"}),
    Row(
        "accounts:token-revoke", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=a_token,
    ),
    Row("accounts:own-app-passwords", own=200, administrator=200),
    Row("accounts:app-password-create", own=200, administrator=200),
    Row(
        "accounts:app-password-create", method="POST", own=200, administrator=200,
        data={"name": "phone", "protocols": ["smtp"]},
    ),
    Row("accounts:app-passwords-delete", method="POST", own=303, administrator=303),
    Row(
        "accounts:app-password-delete", method="POST", own=303, foreign=404, administrator=303,
        administrator_foreign=404, args=an_app_password,
    ),
    person("accounts:user-app-passwords", need=Right.MANAGE_USERS),
    person("accounts:user-app-passwords-delete", 303, method="POST", need=Right.MANAGE_USERS),
    person(
        "accounts:user-app-password-delete", 303, method="POST", need=Right.MANAGE_USERS,
        args=an_app_password_of_somebody, own_args=own_app_password,
    ),
    somewhere("accounts:failed-sign-in-list", need=Right.MANAGE_USERS),
    for_administrators("accounts:sign-in-blocks"),
    for_administrators("accounts:sign-in-blocks", 303, method="POST", data={"network": "198.51.100.0/24"}),
    for_administrators("accounts:sign-in-unblock", 303, method="POST", data={"network": "198.51.100.0/24"}),
    for_administrators("accounts:sign-in-wait-lift", 303, method="POST", args=a_wait),
    Row("accounts:own-sessions", own=200, administrator=200),
    Row("accounts:own-sessions-end", method="POST", own=303, administrator=303),
    in_domain(
        "accounts:session-end", 303, method="POST", see=Right.MANAGE_USERS, args=a_session_of_somebody, own=303,
        own_args=a_session,
    ),
    somewhere("accounts:session-list", need=Right.MANAGE_USERS),
    Row("accounts:session-bulk", own=404, administrator=404),
    Row("accounts:session-bulk", own=404, administrator=404, method="POST"),
    person("accounts:user-sessions", need=Right.MANAGE_USERS),
    person("accounts:user-sessions-end", 303, method="POST", need=Right.MANAGE_USERS),
    Row("accounts:own-history", own=200, administrator=200),
    Row("accounts:own-rights", own=200, administrator=200),
    Row("accounts:own-sign-in-link", method="POST", own=200, administrator=403, delegate=403),
    Row("accounts:act-as-end", method="POST", own=303, administrator=303),
    somewhere("accounts:user-list", need=Right.VIEW_USERS),
    for_administrators("accounts:user-create"),
    for_administrators("accounts:user-create", method="POST", data={"email": "new@partner.example"}),
    person("accounts:user-detail"),
    person("accounts:user-link", method="POST", need=Right.SET_PASSWORDS),
    person("accounts:user-disable", 303, method="POST", need=Right.MANAGE_USERS),
    person("accounts:user-enable", 303, method="POST", need=Right.MANAGE_USERS),
    # an administrator's own page refuses them too: nobody acts as themselves, or gets in by a link past their password
    in_domain("accounts:act-as", see=Right.VIEW_USERS, need=Right.ACT_AS, args=somebody),
    in_domain(
        "accounts:act-as", 303, method="POST", see=Right.VIEW_USERS, need=Right.ACT_AS, args=somebody,
        data={"reason": "asked for help"},
    ),
    in_domain(
        "accounts:user-sign-in-link", method="POST", see=Right.VIEW_USERS, need=Right.SEND_SIGN_IN_LINKS, args=somebody
    ),
    person("accounts:user-factors", need=Right.SET_PASSWORDS),
    *(
        in_domain(
            f"accounts:{route}", 303, method="POST", see=Right.VIEW_USERS, need=Right.SET_PASSWORDS, args=somebody
        )
        for route in (
            "user-factors-initialise", "user-factors-remove", "user-devices-revoke", "user-password-want",
            "user-password-let",
        )
    ),
    person("accounts:user-tokens", need=Right.MANAGE_USERS),
    person("accounts:user-privileges", need=Right.MANAGE_USERS),
    in_domain(
        "accounts:user-privileges", 303, method="POST", see=Right.VIEW_USERS, need=Right.MANAGE_USERS, args=somebody,
        data={"privileges": ["login"], "doors": ["web"], "authentication": "integrated"},
    ),
    person(
        "accounts:user-token-revoke", 303, method="POST", need=Right.MANAGE_USERS, args=a_token_of_somebody,
        own_args=own_token,
    ),
    # --- administrators, grants, roles
    somewhere("accounts:administrator-list", need=Right.VIEW_GRANTS),
    somewhere("accounts:administrator-create", need=Right.GRANT_RIGHTS),
    person("accounts:administrator-system", 303, method="POST", need=Right.MANAGE_SERVER),
    *with_users("accounts:administrator-edit"),
    *with_users(
        "accounts:administrator-edit", 303, method="POST", data={"email": "x@partner.example", "is_active": "on"}
    ),
    *with_grants("accounts:administrator-detail", args=a_grantee),
    *with_grants("accounts:administrator-explain", args=a_grantee),
    *with_grants("accounts:administrator-delete", 303, method="POST", need=Right.GRANT_RIGHTS, args=a_grantee),
    *with_grants("accounts:grant-edit", need=Right.GRANT_RIGHTS, args=a_grant),
    *with_grants(
        "accounts:grant-edit", 303, method="POST", need=Right.GRANT_RIGHTS, args=a_grant,
        data={"role": "", "rights": ["view_users", "view_domains"]},
    ),
    *with_grants("accounts:grant-remove", 303, method="POST", need=Right.GRANT_RIGHTS, args=a_grant),
    *each_scope("accounts:scope-rights", need=Right.VIEW_GRANTS),
    *each_scope("accounts:grant-add", need=Right.GRANT_RIGHTS),
    *each_scope("accounts:grant-add", method="POST", need=Right.GRANT_RIGHTS, data=GIVEN),
    somewhere("accounts:role-list", need=Right.VIEW_GRANTS),
    somewhere("accounts:role-new", need=Right.MANAGE_ROLES),
    *with_grants("accounts:role-detail", args=a_role),
    *with_grants("accounts:role-edit", need=Right.MANAGE_ROLES, args=a_role),
    *with_grants(
        "accounts:role-edit", 303, method="POST", need=Right.MANAGE_ROLES, args=a_role,
        data={"name": "Counter", "rights": ["view_users"]},
    ),
    *with_grants("accounts:role-delete", 303, method="POST", need=Right.MANAGE_ROLES, args=a_role),
    *each_scope("accounts:role-create", need=Right.MANAGE_ROLES),
    *each_scope(
        "accounts:role-create", 303, method="POST", need=Right.MANAGE_ROLES,
        data={"name": "Counter", "rights": ["view_users"]},
    ),
    # --- options
    for_administrators("accounts:server-options"),
    *each_scope("accounts:scope-options", need=Right.MANAGE_OPTIONS),
    *(
        row
        for method, answer in (("GET", 200), ("POST", 303))
        for row in (
            in_domain(
                "accounts:scope-passwords", answer, method=method, need=Right.SET_PASSWORDS, args=the_domain,
                variant="of a domain",
            ),
            of_customer(
                "accounts:scope-passwords", answer, method=method, need=Right.SET_PASSWORDS, args=the_customer,
                variant="of a customer",
            ),
            for_administrators(
                "accounts:scope-passwords", answer, method=method, args=of_server, variant="of the server"
            ),
        )
    ),
    *each_scope("accounts:option-edit", need=Right.MANAGE_OPTIONS, more=SIZE, own=200),
    *each_scope(
        "accounts:option-edit", 303, method="POST", need=Right.MANAGE_OPTIONS, more=SIZE, own=303, data={"value": "30"}
    ),
    *each_scope("accounts:option-reset", 303, method="POST", need=Right.MANAGE_OPTIONS, more=SIZE, own=303),
    # --- the audit trail
    somewhere("accounts:event-list", need=Right.VIEW_AUDIT),
    in_domain("accounts:event-detail", see=Right.VIEW_AUDIT, args=an_event),
    *each_scope("accounts:scope-history", need=Right.VIEW_AUDIT),
]  # fmt: skip
