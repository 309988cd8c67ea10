"""A domain's values as lines of its pages: what counts, where it comes from, where it is edited and reset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import places
from accounts.permissions import END_USER_RIGHTS, Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import ScopeRef
from config.kit.nav import Text
from config.kit.objects import Related, ShownValue
from config.kit.templatetags.kit import ago
from domains import inheritance
from domains.inheritance import Setting
from domains.models import Domain, Status
from domains.models.tenants import LANGUAGES

SHOWN_NAMES = 6
Groups = list[tuple[str, list[ShownValue]]]


def overview(request: ActorRequest, domain: Domain) -> list[ShownValue]:
    """What the first page says about a domain beside its numbers."""
    customer: Any = domain.customer or _("none: of this server itself")
    if domain.customer is not None and request.actor.has(Right.VIEW_CUSTOMERS, domain.customer):
        url = reverse("domains:customer-detail", args=[domain.customer.pk])
        customer = format_html('<a href="{}">{}</a>', url, domain.customer.name)
    ascii_name = [ShownValue(_("Name in ASCII"), domain.name, css="mono")] if domain.name != domain.display_name else []
    language = inheritance.settings_of(domain)["default_language"]
    return [
        value(request, domain, "description"),
        *ascii_name,
        ShownValue(_("Customer"), customer),
        value(request, domain, "external_id"),
        _inheriting(request, domain, language, may_edit=False),
        ShownValue(_("Added"), ago(domain.created_at)),
    ]


def groups(request: ActorRequest, domain: Domain) -> Groups:
    """All settings, by what they are about."""
    settings = inheritance.settings_of(domain)
    may_edit = may_edit_now(request, domain)

    def inheriting(name: str) -> ShownValue:
        return _inheriting(request, domain, settings[name], may_edit=may_edit)

    def own(name: str) -> ShownValue:
        return value(request, domain, name)

    return [
        (_("New users"), [inheriting("default_language"), inheriting("auto_provisioning")]),
        (
            _("Incoming mail"),
            [inheriting("sender_verify"), inheriting("list_priority"), own("catch_all"), own("unknown_recipients")],
        ),
        (_("Outgoing mail"), [own("outgoing_subnets"), own("outgoing_providers")]),
        (_("Its people"), [inheriting("end_user_rights")]),
    ]


def value(request: ActorRequest, domain: Domain, name: str) -> ShownValue:
    """One line, read anew."""
    may_edit = may_edit_now(request, domain)
    if name in inheritance.FIELDS:
        return _inheriting(request, domain, inheritance.settings_of(domain)[name], may_edit=may_edit)
    values = {
        "description": domain.description,
        "external_id": domain.external_id,
        "catch_all": domain.catch_all or _("none"),
        "unknown_recipients": domain.get_unknown_recipients_display(),
        "outgoing_subnets": ", ".join(domain.outgoing_subnets),
        "outgoing_providers": ", ".join(provider.name for provider in domain.outgoing_providers.all())
        if name == "outgoing_providers"
        else "",
    }
    return ShownValue(
        _labels()[name],
        values[name],
        key=name.replace("_", "-"),
        css="mono" if name in ("external_id", "outgoing_subnets") else "",
        edit_url=reverse("domains:domain-value", args=[domain.pk, name]) if may_edit else "",
        help=_helps().get(name, ""),
    )


def names(request: ActorRequest, domain: Domain) -> Related:
    """Its aliases, in short."""
    aliases = list(domain.names.filter(is_alias=True).order_by("name")[: SHOWN_NAMES + 1])
    count = len(aliases) if len(aliases) <= SHOWN_NAMES else domain.names.filter(is_alias=True).count()
    url = reverse("domains:domain-names", args=[domain.pk])
    return Related(
        _("Domain aliases"),
        [(alias.display_name, url, "") for alias in aliases[:SHOWN_NAMES]],
        count,
        url,
        nothing=_("It answers for its own name only."),
        add_url=url if may_edit_now(request, domain) else "",
        add_label=_("Add a name"),
    )


@dataclass(frozen=True)
class Step:
    """What comes next: where it is done, and what for."""

    label: str
    url: str
    text: str


def next_steps(request: ActorRequest, domain: Domain) -> list[Step]:
    """What a domain without users waits for; nothing where there are some, or where it is deleted."""
    if domain.mailbox_count or domain.status == Status.DELETED:
        return []
    actor = request.actor
    has_way = domain.relays.exists()
    steps = [
        *(
            ()
            if has_way
            else (
                (
                    Right.MANAGE_RELAYS,
                    Step(
                        _("Say where its mail goes"),
                        reverse("domains:relay-create", args=[domain.pk]),
                        _("The server that takes what passes the gateway. Until then mail is put off."),
                    ),
                ),
            )
        ),
        (
            Right.MANAGE_USERS,
            Step(_("Import users"), reverse("domains:csv-import", args=["users"]), _("Many at once, from a CSV file.")),
        ),
        (
            Right.MANAGE_USERS,
            Step(
                _("New user"),
                f"{reverse('domains:user-create')}?domain={domain.pk}",
                _("One after the other, by hand."),
            ),
        ),
        (
            Right.GRANT_RIGHTS,
            Step(
                _("Add an administrator"),
                reverse("accounts:grant-add", args=[Level.DOMAIN.value, domain.pk]),
                _("Somebody who runs this domain and nothing else."),
            ),
        ),
        (
            Right.VIEW_DOMAINS,
            Step(
                _("Health"),
                reverse("domains:domain-health", args=[domain.pk]),
                _("What its DNS lacks, with the records to publish."),
            ),
        ),
    ]
    return [step for right, step in steps if actor.has(right, domain)]


def may_edit_now(request: ActorRequest, domain: Domain) -> bool:
    return domain.status != Status.DELETED and request.actor.has(Right.EDIT_DOMAINS, domain)


def source_of(setting: Setting) -> Text:
    """Who says it, in words."""
    return scope_words(setting.inherited_from if setting.is_own else setting.source)


def scope_words(scope: ScopeRef | None) -> Text:
    if scope is None:
        return _("the default")
    if scope.level == Level.SERVER:
        return _("the server")
    return places.labels([scope]).get(scope, _("the customer"))


def _inheriting(request: ActorRequest, domain: Domain, setting: Setting, *, may_edit: bool) -> ShownValue:
    name = setting.name
    if name == "end_user_rights":
        edit_url = reverse("domains:domain-access", args=[domain.pk])
        key = ""
    else:
        edit_url, key = reverse("domains:domain-value", args=[domain.pk, name]), name.replace("_", "-")
    reset_url = reverse("domains:domain-reset", args=[domain.pk, name])
    return ShownValue(
        _labels()[name],
        in_words(name, setting.value),
        key=key,
        edit_url=edit_url if may_edit else "",
        source=source_of(setting) if may_edit or not setting.is_own else "",
        reset_url=reset_url if setting.is_own and may_edit else "",
        help=_helps().get(name, ""),
    )


def in_words(name: str, found: Any) -> Text:
    """A setting's value as people say it."""
    if isinstance(found, bool):
        return _("Yes") if found else _("No")
    if name == "default_language":
        return str(dict(LANGUAGES).get(found, found))
    if name == "list_priority":
        return str(dict(Domain.ListPriority.choices).get(found, found))
    if name == "end_user_rights":
        return _rights(found)
    return str(found)


def _rights(names_: list[str]) -> str:
    labels = [str(label) for right, label in END_USER_RIGHTS.items() if right.value in names_]
    if len(labels) == len(END_USER_RIGHTS):
        return _("Everything they can do with their own things")
    return ", ".join(labels) or _("Nothing")


def _labels() -> dict[str, str]:
    return {
        "description": _("Description"),
        "external_id": _("External id"),
        "default_language": _("Language"),
        "auto_provisioning": _("Make mailboxes by themselves"),
        "sender_verify": _("Verify senders"),
        "list_priority": _("Rules that win"),
        "catch_all": _("Catch-all address"),
        "unknown_recipients": _("Unknown addresses"),
        "outgoing_subnets": _("Networks that may send"),
        "outgoing_providers": _("Outgoing providers"),
        "end_user_rights": _("What they may do"),
    }


def _helps() -> dict[str, str]:
    return {
        "default_language": _("Of new users, and of what we write to them."),
        "auto_provisioning": _(
            "Where the mail server behind is asked about unknown addresses: whom it knows gets a mailbox here."
        ),
        "list_priority": _("Where a domain and a mailbox disagree about a sender."),
        "catch_all": _("Where mail for unknown addresses goes."),
        "unknown_recipients": _(
            "Where no catch-all takes them. What is taken is judged by the domain's policy, and what is held of it is "
            "looked after by the domain's administrators."
        ),
        "outgoing_subnets": _("Hosts that send in the name of the domain without signing in."),
        "outgoing_providers": _("Services through which the domain sends besides this server."),
    }
