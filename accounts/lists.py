"""How this app's lists look, and what they can be asked."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext_lazy
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.models import AuditEvent, User
from accounts.permissions import BUILT_IN_ROLES, LEVEL_LABELS, Level
from accounts.selectors.administrators import grants_visible_to, role_label, sees_system_administrators
from config.kit.list_big import BigListing, Name
from config.kit.list_fields import Beginning, Choice, Custom, Field, Main, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty

_ROLES = [(role.key, role.label) for role in BUILT_IN_ROLES.values()]
NAMED = 3


def _holds_everything(user: User) -> SafeString | str:
    """For who sees the whole server's rights."""
    return str(BUILT_IN_ROLES["system_administrator"].label) if user.is_administrator else _holds(user)


def _holds(user: User) -> SafeString | str:
    """The first grants in words, and how many more there are; those that were fetched are those that may be seen."""
    grants = list(user.grants.all())
    said = [
        (role_label(each) or _t("Single rights"), each.object_label or LEVEL_LABELS[Level(each.level)])
        for each in grants
    ]
    shown = format_html_join(", ", '{} <span class="muted">{}</span>', said[:NAMED])
    rest = len(said) - NAMED
    if rest <= 0:
        return shown
    return format_html("{} {}", shown, ngettext("and %(n)d more", "and %(n)d more", rest) % {"n": rest})


def _everything_plain(user: User) -> str:
    return "; ".join(filter(None, ["system_administrator" if user.is_administrator else "", _held_plain(user)]))


def _held_plain(user: User) -> str:
    return "; ".join(
        f"{each.role_key or each.role or 'rights'}@{each.level}:{each.object_label}" for each in user.grants.all()
    )


class _Held(Custom):
    """What somebody holds, as far as whoever looks may see it."""

    def for_actor(self, actor: Any) -> Field:
        if sees_system_administrators(actor):
            return replace(self, show=_holds_everything, export=_everything_plain)
        return replace(self, show=_holds, export=_held_plain)


class _Role(Custom):
    """Holders of a built-in role, by the grants that whoever looks may see: else a search would tell of others."""

    def for_actor(self, actor: Any) -> Field:
        return replace(self, find=lambda text: _with_role(actor, text))


def _with_role(actor: Any, text: str) -> Q:
    if text == "system_administrator":
        return Q(is_administrator=True) if sees_system_administrators(actor) else Q(pk__in=[])
    return Q(Exists(grants_visible_to(actor).filter(user=OuterRef("pk"), role_key=text)))


ADMINISTRATORS: Listing[User] = Listing(
    "accounts.administrators",
    (
        Main("email", _("E-mail address"), words=True, sort=True, folded=True, url="accounts:administrator-detail"),
        Text("name", _("Name"), words=True),
        _Held("holds", pgettext_lazy("of an administrator", "Holds"), search=False),
        _Role("role", _("Role"), column=False),
        YesNo("active", _("May sign in"), path="is_active", filter=True),
        Time("last", _("Last signed in"), path="last_login"),
    ),
    sort="email",
    caption=_("Administrators"),
    placeholder=_("Address or name"),
    views=(View(_("System administrators"), "q=role:system_administrator"), View(_("Shut out"), "active=no")),
    first_step=Empty(_("Nobody administers anything yet"), _("Give somebody a domain or a customer to run."), "key"),
    nothing=_("No administrator like this"),
)


def _state(user: User) -> SafeString:
    return _drawn_state(user.is_active, user.has_usable_password(), get_language() or "")


@functools.cache
def _drawn_state(is_active: bool, has_usable_password: bool, language: str) -> SafeString:
    """One of three in one of six languages: not rendered anew for every row."""
    person = {"is_active": is_active, "has_usable_password": has_usable_password}
    return mark_safe(get_template("accounts/person_state.html").render({"person": person}))  # noqa: S308


USERS: BigListing[User] = BigListing(
    "accounts.users",
    (
        Main("email", _("E-mail address"), words=True, sort=True, folded=True, url="accounts:user-detail"),
        Name("name", _("Name"), words=True, long=True),
        YesNo("administrator", _("Role"), path="is_administrator", yes=_("Administrator"), no=_("User"), filter=True),
        YesNo("active", _("State"), path="is_active", yes=_("May sign in"), no=_("Shut out"), filter=True, show=_state),
        Time("last", _("Last signed in"), path="last_login", search=False),
        Time("created", _("Made"), path="created_at", sort="pk", shown=False, search=False),
    ),
    sort="email",
    caption=_("Users"),
    placeholder=_("Address or name"),
    views=(View(_("Administrators"), "administrator=yes"), View(_("Shut out"), "active=no")),
    first_step=Empty(_("Nobody yet"), icon="users"),
    nothing=_("Nobody has this name or address"),
)


def _what(event: AuditEvent) -> SafeString | str:
    return str(sentences.of(event.action))


def _object(event: AuditEvent) -> str:
    return event.object_label


def _changes_shown(event: AuditEvent) -> str:
    return " · ".join(sentences.changes(event.changes))


def _details_shown(event: AuditEvent) -> str:
    return " · ".join(sentences.details(event.details))


def _changes(event: AuditEvent) -> str:
    return json.dumps(event.changes, ensure_ascii=False) if event.changes else ""


def _details(event: AuditEvent) -> str:
    return json.dumps(event.details, ensure_ascii=False) if event.details else ""


def _actions(actor: Any) -> list[tuple[str, Any]]:
    return list(sentences.known().items())


def _by(text: str) -> Q:
    """Events of a person by their address, or of the machinery by its label."""
    text = text.strip().lower()
    person = User.objects.filter(email=text).values_list("pk", flat=True).first()
    return Q(actor__isnull=True, actor_label__iexact=text) if person is None else Q(actor=person)


def _kinds(actor: Any) -> list[tuple[str, Any]]:
    return [
        ("accounts.user", _("Person")),
        ("accounts.role", _("Role")),
        ("domains.customer", _("Customer")),
        ("domains.domain", _("Domain")),
        ("domains.mailbox", _("Mailbox")),
        ("domains.address", _("Address")),
        ("jobs.task", _("Task")),
        ("archive.store", _("Store")),
    ]


EVENTS: BigListing[AuditEvent] = BigListing(
    "accounts.events",
    (
        Main("what", _("What"), path="action", show=_what, url="accounts:event-detail", search=False),
        Choice("action", _("Action"), choices=_actions, column=False, filter=True),
        Beginning("object", _("Object"), path="object_label", show=_object, words=True, long=True),
        Choice("kind", _("Kind of object"), path="object_type", choices=_kinds, filter=True, shown=False),
        Custom("by", _("By"), show=lambda event: event.actor_label, export=lambda event: event.actor_label, find=_by),
        Time("when", _("When"), path="at"),
        Text("reason", _("Reason"), long=True, shown=False),
        Text("address", _("From"), whole=True, mono=True, shown=False),
        Choice(
            "door",
            _("Door"),
            path="via",
            choices=(
                ("page", _("Page")),
                ("api", _("API")),
                ("shell", _("Shell")),
                ("task", _("Task")),
                ("link", _("Link")),
            ),
            filter=True,
            shown=False,
        ),
        Custom("changes", _("Changes"), show=_changes_shown, export=_changes, search=False),
        Custom("details", _("Details"), show=_details_shown, export=_details, search=False),
    ),
    caption=_("Audit trail"),
    placeholder=_("Object, or by:somebody@example.org"),
    nothing=_("Nothing like this has happened"),
)
