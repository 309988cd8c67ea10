"""The lines of this app in the navigation, its commands in the palette, and its tabs on the pages of others."""

from __future__ import annotations

from typing import Any

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
    nav.register("directory", _("Users"), "accounts:user-list", "users", right=Right.VIEW_USERS, order=30, keys="u")
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
    nav.register("account", _("What was done to my account"), "accounts:own-history", "clock", order=50)
    nav.register("account", _("What I may do"), "accounts:own-rights", "shield-check", order=60)


def _commands() -> None:
    nav.register_command(_("Change password"), "accounts:change-password", "key")
    nav.register_command(_("Invite a person"), "accounts:user-create", "plus", right=Right.MANAGE_SERVER)
    nav.register_command(_("Give rights"), "accounts:administrator-create", "plus", right=Right.GRANT_RIGHTS)
    nav.register_command(_("Roles"), "accounts:role-list", "identification", right=Right.VIEW_GRANTS)


def _tabs() -> None:
    under = ("accounts:act-as",)
    tabs.register("person", _("Overview"), "accounts:user-detail", right=Right.VIEW_USERS, order=10, under=under)
    tabs.register("person", _("Access tokens"), "accounts:user-tokens", right=Right.MANAGE_USERS, order=60)
    for kind, level in (("customer", Level.CUSTOMER), ("domain", Level.DOMAIN), ("person", Level.USER)):
        _scope_tabs(kind, level)
    tabs.register("server", _("Options"), "accounts:server-options", right=Right.MANAGE_OPTIONS, args=lambda obj: ())
    tabs.register("server", _("Rights"), "accounts:scope-rights", right=Right.VIEW_GRANTS, args=_args(Level.SERVER))


def _scope_tabs(kind: str, level: Level) -> None:
    """Rights, options and history of anything that is a scope."""
    for label, url_name, right, order in (
        (_("Rights"), "accounts:scope-rights", Right.VIEW_GRANTS, 700),
        (_("Options"), "accounts:scope-options", Right.MANAGE_OPTIONS, 800),
        (_("History"), "accounts:scope-history", Right.VIEW_AUDIT, tabs.HISTORY),
    ):
        under = _UNDER_RIGHTS if url_name == "accounts:scope-rights" else ()
        tabs.register(kind, label, url_name, right=right, order=order, args=_args(level), under=under)


def _args(level: Level) -> Any:
    """A page about a mailbox stands for its person."""

    def args(obj: Any) -> tuple[object, ...]:
        is_mailbox = level == Level.USER and not isinstance(obj, User)
        return (level.value, getattr(obj, "user_id" if is_mailbox else "pk", 0) or 0)

    return args
