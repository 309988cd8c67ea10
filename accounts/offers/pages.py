"""The lines of this app in the navigation, its commands in the palette, and its tabs on the pages of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import NoReverseMatch
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Level, Right
from config.kit import nav, tabs

_UNDER_RIGHTS = (
    "accounts:grant-add",
    "accounts:grant-edit",
    "accounts:administrator-detail",
    "accounts:administrator-edit",
    "accounts:administrator-explain",
)


def register() -> None:
    _navigation()
    _commands()
    _tabs()


def _navigation() -> None:
    nav.register(
        "server",
        _("Administrators & rights"),
        "accounts:administrator-list",
        "key",
        right=Right.VIEW_GRANTS,
        order=20,
        keys="r",
        under=("accounts:administrator", "accounts:role", "accounts:grant"),
        words=_("roles grants delegation"),
    )
    nav.register(
        "server",
        _("Sign-in sources"),
        "accounts:source-list",
        "identification",
        right=Right.MANAGE_SOURCES,
        order=25,
        under=("accounts:source",),
        words=_("LDAP Active Directory OpenID Connect single sign-on directory"),
    )
    nav.register(
        "server", _("Options"), "accounts:server-options", "adjustments-horizontal", right=Right.MANAGE_SERVER, order=30
    )
    nav.register(
        "server",
        _("Audit trail"),
        "accounts:event-list",
        "clipboard-document-list",
        right=Right.VIEW_AUDIT,
        order=40,
        under=("accounts:event",),
        words=_("history log events"),
    )
    nav.register("account", _("My account"), "accounts:account", "user-circle", order=10, words=_("profile language"))
    nav.register(
        "account", _("Access tokens"), "accounts:own-tokens", "command-line", order=20, under=("accounts:token",)
    )
    nav.register(
        "account",
        _("App passwords"),
        "accounts:own-app-passwords",
        "device-phone-mobile",
        order=25,
        under=("accounts:app-password",),
        words=_("mail program phone password"),
    )
    nav.register(
        "server",
        _("Failed sign-ins"),
        "accounts:failed-sign-in-list",
        "shield-exclamation",
        right=Right.MANAGE_USERS,
        order=24,
        under=("accounts:sign-in-blocks",),
        words=_("guesses blocked addresses throttle waits"),
    )
    nav.register(
        "account",
        _("Where I am signed in"),
        "accounts:own-sessions",
        "computer-desktop",
        order=30,
        words=_("sessions devices sign out"),
    )
    nav.register(
        "server",
        _("Who is signed in"),
        "accounts:session-list",
        "computer-desktop",
        right=Right.MANAGE_USERS,
        order=22,
        words=_("sessions sign out"),
    )
    nav.register(
        "account",
        _("Single sign-on"),
        "accounts:own-identities",
        "identification",
        order=27,
        under=("accounts:identity-",),
        words=_("OpenID Connect organisation link account"),
    )
    nav.register("account", _("What was done to my account"), "accounts:own-history", "clock", order=50)
    nav.register("account", _("What I may do"), "accounts:own-rights", "shield-check", order=60)


def _commands() -> None:
    nav.register_command(_("Change password"), "accounts:change-password", "key")
    nav.register_command(
        _("Blocked networks and waits"), "accounts:sign-in-blocks", "no-symbol", right=Right.MANAGE_SERVER
    )
    nav.register_command(_("All accounts"), "accounts:user-list", "users", right=Right.MANAGE_SERVER, section="server")
    nav.register_command(_("Invite a person"), "accounts:user-create", "plus", right=Right.MANAGE_SERVER)
    nav.register_command(_("Give rights"), "accounts:administrator-create", "plus", right=Right.GRANT_RIGHTS)
    nav.register_command(_("Roles"), "accounts:role-list", "identification", right=Right.VIEW_GRANTS)


def _tabs() -> None:
    under = ("accounts:act-as",)
    tabs.register("person", _("Overview"), "accounts:user-detail", right=Right.VIEW_USERS, order=10, under=under)
    for kind in ("person", "user"):
        tabs.register(
            kind,
            _("Privileges"),
            "accounts:user-privileges",
            right=Right.MANAGE_USERS,
            order=550,
            args=person_number,
        )
    tabs.register("person", _("Access tokens"), "accounts:user-tokens", right=Right.MANAGE_USERS, order=600)
    for kind in ("person", "user"):
        tabs.register(
            kind, _("Sessions"), "accounts:user-sessions", right=Right.MANAGE_USERS, order=590, args=person_number
        )
        tabs.register(
            kind,
            _("App passwords"),
            "accounts:user-app-passwords",
            right=Right.MANAGE_USERS,
            order=605,
            args=person_number,
        )
    # the same beside what a mailbox has, for who signs in with it
    tabs.register(
        "user", _("Account"), "accounts:user-detail", right=Right.VIEW_USERS, order=500, args=person_number, under=under
    )
    tabs.register(
        "user", _("Access tokens"), "accounts:user-tokens", right=Right.MANAGE_USERS, order=600, args=person_number
    )
    for kind, level in (("customer", Level.CUSTOMER), ("domain", Level.DOMAIN)):
        tabs.register(
            kind,
            _("Sign-in"),
            "accounts:source-choice",
            right=Right.MANAGE_SOURCES,
            order=750,
            args=_args(level),
        )
    tabs.register("source", _("Overview"), "accounts:source-detail", order=10, under=("accounts:source-edit",))
    tabs.register("source", _("Try it"), "accounts:source-try", order=20)
    tabs.register("source", _("Groups and people"), "accounts:source-groups", order=30)
    for kind, level in (
        ("customer", Level.CUSTOMER),
        ("domain", Level.DOMAIN),
        ("person", Level.USER),
        ("user", Level.USER),
    ):
        _scope_tabs(kind, level)
    for kind, level in (("customer", Level.CUSTOMER), ("domain", Level.DOMAIN), ("server", Level.SERVER)):
        tabs.register(
            kind, _("Passwords"), "accounts:scope-passwords", right=Right.SET_PASSWORDS, order=760, args=_args(level)
        )
    tabs.register("server", _("Options"), "accounts:server-options", right=Right.MANAGE_OPTIONS, args=lambda obj: ())
    tabs.register("server", _("Rights"), "accounts:scope-rights", right=Right.VIEW_GRANTS, args=_args(Level.SERVER))


def _scope_tabs(kind: str, level: Level) -> None:
    """Rights, options and history of anything that is a scope."""
    who = (_("Rights"), 700) if level == Level.USER else (_("Administrators"), 38)
    for label, url_name, right, order in (
        (who[0], "accounts:scope-rights", Right.VIEW_GRANTS, who[1]),
        (_("Options"), "accounts:scope-options", Right.MANAGE_OPTIONS, 800),
        (_("History"), "accounts:scope-history", Right.VIEW_AUDIT, tabs.HISTORY),
    ):
        if (kind, url_name) == ("user", "accounts:scope-history"):
            continue  # the mailbox's own history has the person's in it
        under = _UNDER_RIGHTS if url_name == "accounts:scope-rights" else ()
        tabs.register(kind, label, url_name, right=right, order=order, args=_args(level), under=under)


def _args(level: Level) -> Callable[[Any], tuple[object, ...]]:
    return lambda obj: (
        (level.value, *person_number(obj)) if level == Level.USER else (level.value, getattr(obj, "pk", 0))
    )


def person_number(obj: Any) -> tuple[object, ...]:
    """The person's own number; a page of a mailbox stands for its person, where it has one."""
    if isinstance(obj, User):
        return (obj.pk,)
    if getattr(obj, "user_id", None) is None:
        raise NoReverseMatch("nobody signs in with this mailbox")
    return (obj.user_id,)
