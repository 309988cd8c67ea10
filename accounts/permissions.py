"""The named rights, where each may be granted, and the roles that bundle them.

A right alone says nothing about whose data: a grant gives it on a scope (the server, a broker, a customer, a domain,
one person). Who holds what is asked of `actors.Actor`. What people may do with their own things is `EndUserRight`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Level(StrEnum):
    """How wide a grant reaches, widest first."""

    SERVER = "server"
    BROKER = "broker"
    CUSTOMER = "customer"
    DOMAIN = "domain"
    USER = "user"


LEVEL_LABELS: dict[Level, Text] = {
    Level.SERVER: _("Server"),
    Level.BROKER: _("Broker"),
    Level.CUSTOMER: _("Customer"),
    Level.DOMAIN: _("Domain"),
    Level.USER: _("Person"),
}


class Right(StrEnum):
    """One thing a person may be allowed to do."""

    # the machine: never delegated
    MANAGE_SERVER = "manage_server"
    MANAGE_STORES = "manage_stores"
    IMPORT_MAIL = "import_mail"
    EXPORT_MAIL = "export_mail"
    DELETE_MAIL = "delete_mail"
    MANAGE_RETENTION = "manage_retention"
    MANAGE_HOLDS = "manage_holds"
    VIEW_TASKS_ALL = "view_tasks_all"
    MANAGE_TASKS_ALL = "manage_tasks_all"
    VIEW_HEALTH = "view_health"
    VIEW_LOGS = "view_logs"
    MANAGE_JOBS = "manage_jobs"
    MANAGE_GATEWAY = "manage_gateway"
    MANAGE_QUEUES = "manage_queues"
    MANAGE_BROKERS = "manage_brokers"
    VIEW_RELAY_TRANSCRIPTS = "view_relay_transcripts"
    # customers and their domains
    MANAGE_CUSTOMERS = "manage_customers"
    MANAGE_LIMITS = "manage_limits"
    VIEW_CUSTOMERS = "view_customers"
    CREATE_DOMAINS = "create_domains"
    DELETE_DOMAINS = "delete_domains"
    VIEW_DOMAINS = "view_domains"
    EDIT_DOMAINS = "edit_domains"
    MANAGE_DKIM = "manage_dkim"
    MANAGE_RELAYS = "manage_relays"
    MANAGE_OPTIONS = "manage_options"
    MANAGE_SOURCES = "manage_sources"
    # people and addresses
    VIEW_USERS = "view_users"
    MANAGE_USERS = "manage_users"
    SET_PASSWORDS = "set_passwords"
    SEND_SIGN_IN_LINKS = "send_sign_in_links"
    ACT_AS = "act_as"
    MANAGE_ADDRESSES = "manage_addresses"
    MANAGE_LISTS = "manage_lists"
    MANAGE_QUOTAS = "manage_quotas"
    MANAGE_THROTTLES = "manage_throttles"
    # what happens to mail
    VIEW_POLICIES = "view_policies"
    MANAGE_POLICIES = "manage_policies"
    MANAGE_FILTERS = "manage_filters"
    MANAGE_DLP = "manage_dlp"
    MANAGE_SIGNATURES = "manage_signatures"
    TRACK_MAIL = "track_mail"
    MANAGE_QUARANTINE = "manage_quarantine"
    RELEASE_INFECTED = "release_infected"
    REMEDIATE_MAIL = "remediate_mail"
    # watching over
    MANAGE_ALERTS = "manage_alerts"
    VIEW_REPORTS = "view_reports"
    VIEW_AUDIT = "view_audit"
    READ_OTHERS_MAIL = "read_others_mail"
    # rights themselves
    VIEW_GRANTS = "view_grants"
    GRANT_RIGHTS = "grant_rights"
    MANAGE_ROLES = "manage_roles"


_SERVER = frozenset({Level.SERVER})
_BROKER = _SERVER | {Level.BROKER}
_CUSTOMER = _BROKER | {Level.CUSTOMER}
_DOMAIN = _CUSTOMER | {Level.DOMAIN}
_USER = _DOMAIN | {Level.USER}


@dataclass(frozen=True, slots=True)
class RightInfo:
    """What pages say about a right, and the levels it can be granted on."""

    label: Text
    group: Text
    levels: frozenset[Level]


_MACHINE, _TENANTS, _PEOPLE, _MAIL, _WATCH, _RIGHTS = (
    _("Server"),
    _("Customers and domains"),
    _("People and addresses"),
    _("Policies and filters"),
    _("Oversight"),
    _("Rights"),
)

RIGHTS: dict[Right, RightInfo] = {
    Right.MANAGE_SERVER: RightInfo(_("Change the server's settings"), _MACHINE, _SERVER),
    Right.MANAGE_STORES: RightInfo(_("Manage archive stores"), _MACHINE, _SERVER),
    Right.IMPORT_MAIL: RightInfo(_("Import mail for others"), _MACHINE, _SERVER),
    Right.EXPORT_MAIL: RightInfo(_("Export mail of others"), _MACHINE, _SERVER),
    Right.DELETE_MAIL: RightInfo(_("Delete archived mail, with a reason"), _MACHINE, _SERVER),
    Right.MANAGE_RETENTION: RightInfo(_("Set retention and compliance"), _MACHINE, _SERVER),
    Right.MANAGE_HOLDS: RightInfo(_("Place and end legal holds"), _MACHINE, _SERVER),
    Right.VIEW_TASKS_ALL: RightInfo(_("See everybody's tasks"), _MACHINE, _SERVER),
    Right.MANAGE_TASKS_ALL: RightInfo(_("Cancel others' tasks, and start them again"), _MACHINE, _SERVER),
    Right.VIEW_HEALTH: RightInfo(_("See the server's health"), _MACHINE, _SERVER),
    Right.VIEW_LOGS: RightInfo(_("Read the server's log"), _MACHINE, _SERVER),
    Right.MANAGE_JOBS: RightInfo(_("Plan jobs and see their results"), _MACHINE, _SERVER),
    Right.MANAGE_GATEWAY: RightInfo(
        _("Set how mail comes in: IP lists, routes, certificates, scanners"), _MACHINE, _SERVER
    ),
    Right.MANAGE_QUEUES: RightInfo(_("Manage queues and repositories"), _MACHINE, _SERVER),
    Right.MANAGE_BROKERS: RightInfo(_("Manage brokers"), _MACHINE, _SERVER),
    Right.VIEW_RELAY_TRANSCRIPTS: RightInfo(_("Read transcripts of relay checks"), _MACHINE, _SERVER),
    Right.MANAGE_CUSTOMERS: RightInfo(_("Make, change and delete customers"), _TENANTS, _BROKER),
    Right.MANAGE_LIMITS: RightInfo(_("Set limits of customers and domains"), _TENANTS, _BROKER),
    Right.VIEW_CUSTOMERS: RightInfo(_("See customers"), _TENANTS, _CUSTOMER),
    Right.CREATE_DOMAINS: RightInfo(_("Add domains"), _TENANTS, _CUSTOMER),
    Right.DELETE_DOMAINS: RightInfo(_("Delete domains"), _TENANTS, _CUSTOMER),
    Right.VIEW_DOMAINS: RightInfo(_("See domains"), _TENANTS, _DOMAIN),
    Right.EDIT_DOMAINS: RightInfo(_("Change domains"), _TENANTS, _DOMAIN),
    Right.MANAGE_DKIM: RightInfo(_("Manage DKIM keys"), _TENANTS, _DOMAIN),
    Right.MANAGE_RELAYS: RightInfo(_("Manage relays"), _TENANTS, _DOMAIN),
    Right.MANAGE_OPTIONS: RightInfo(_("Set options"), _TENANTS, _DOMAIN),
    Right.MANAGE_SOURCES: RightInfo(_("Say where people prove who they are"), _TENANTS, _DOMAIN),
    Right.VIEW_USERS: RightInfo(_("See people"), _PEOPLE, _USER),
    Right.MANAGE_USERS: RightInfo(_("Make, change and delete people"), _PEOPLE, _USER),
    Right.SET_PASSWORDS: RightInfo(_("Set and reset passwords"), _PEOPLE, _USER),
    Right.SEND_SIGN_IN_LINKS: RightInfo(_("Send temporary sign-in links"), _PEOPLE, _USER),
    Right.ACT_AS: RightInfo(_("Act as somebody"), _PEOPLE, _USER),
    Right.MANAGE_ADDRESSES: RightInfo(_("Manage aliases, groups and forwards"), _PEOPLE, _USER),
    Right.MANAGE_LISTS: RightInfo(_("Manage mailing lists"), _PEOPLE, _DOMAIN),
    Right.MANAGE_QUOTAS: RightInfo(_("Set quotas"), _PEOPLE, _USER),
    Right.MANAGE_THROTTLES: RightInfo(_("Set throttles"), _PEOPLE, _USER),
    Right.VIEW_POLICIES: RightInfo(_("See policies and filters"), _MAIL, _USER),
    Right.MANAGE_POLICIES: RightInfo(_("Change policies"), _MAIL, _DOMAIN),
    Right.MANAGE_FILTERS: RightInfo(_("Change sender, attachment and URI rules"), _MAIL, _USER),
    Right.MANAGE_DLP: RightInfo(_("Change DLP rules"), _MAIL, _DOMAIN),
    Right.MANAGE_SIGNATURES: RightInfo(_("Change signatures and their rules"), _MAIL, _DOMAIN),
    Right.TRACK_MAIL: RightInfo(_("Follow messages: who wrote to whom, and what became of it"), _MAIL, _USER),
    Right.MANAGE_QUARANTINE: RightInfo(_("Release and delete quarantined mail of others"), _MAIL, _USER),
    Right.RELEASE_INFECTED: RightInfo(_("Release infected mail, with a reason"), _MAIL, _DOMAIN),
    Right.REMEDIATE_MAIL: RightInfo(_("Take delivered mail out of mailboxes, with a reason"), _MAIL, _DOMAIN),
    Right.MANAGE_ALERTS: RightInfo(_("See, post and acknowledge alerts"), _WATCH, _DOMAIN),
    Right.VIEW_REPORTS: RightInfo(_("See and send status reports"), _WATCH, _DOMAIN),
    Right.VIEW_AUDIT: RightInfo(_("Read the audit trail"), _WATCH, _DOMAIN),
    Right.READ_OTHERS_MAIL: RightInfo(_("Open other people's archives, with a reason"), _WATCH, _DOMAIN),
    Right.VIEW_GRANTS: RightInfo(_("See administrators and their rights"), _RIGHTS, _DOMAIN),
    Right.GRANT_RIGHTS: RightInfo(_("Make administrators and grant rights"), _RIGHTS, _DOMAIN),
    Right.MANAGE_ROLES: RightInfo(_("Make and change roles"), _RIGHTS, _DOMAIN),
}


def known_rights(names: Iterable[str]) -> frozenset[Right]:
    """The rights of these names; a name that no right has any more gives nothing."""
    wanted = set(names)
    return frozenset(right for right in Right if right.value in wanted)


# Never through a token, a temporary link or while acting as somebody: they would outlive what they came from.
PERSONAL_RIGHTS = frozenset({Right.ACT_AS, Right.READ_OTHERS_MAIL})


# Whoever says where passwords are checked could sign in as everybody there: so they need both.
CONFIGURING = frozenset({Right.MANAGE_SOURCES, Right.SET_PASSWORDS})


def rights_at(level: Level) -> frozenset[Right]:
    """The rights that can be granted on this level."""
    return frozenset(right for right, info in RIGHTS.items() if level in info.levels)


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A bundle that is always there. Its rights are the code's, so a new right reaches those who should have it."""

    key: str
    label: Text
    help: Text
    levels: frozenset[Level]
    rights: frozenset[Right]


SYSTEM_ADMINISTRATOR = "system_administrator"
_VIEWS = frozenset({Right.VIEW_CUSTOMERS, Right.VIEW_DOMAINS, Right.VIEW_USERS, Right.VIEW_POLICIES, Right.VIEW_GRANTS})

BUILT_IN_ROLES: dict[str, BuiltInRole] = {
    role.key: role
    for role in (
        BuiltInRole(
            SYSTEM_ADMINISTRATOR,
            _("System administrator"),
            _("May do everything here. Reading other people's mail still needs a reason, which its owner sees."),
            _SERVER,
            frozenset(Right),
        ),
        BuiltInRole(
            "customer_administrator",
            _("Customer administrator"),
            _("Runs a customer: its domains, people, addresses, policies and administrators, within its limits."),
            frozenset({Level.BROKER, Level.CUSTOMER}),
            rights_at(Level.CUSTOMER) - {Right.READ_OTHERS_MAIL},
        ),
        BuiltInRole(
            "domain_administrator",
            _("Domain administrator"),
            _("Runs a domain: its people, addresses, policies and administrators, within its limits."),
            frozenset({Level.BROKER, Level.CUSTOMER, Level.DOMAIN}),
            rights_at(Level.DOMAIN) - {Right.READ_OTHERS_MAIL},
        ),
        BuiltInRole(
            "help_desk",
            _("Help desk"),
            _("Sees people and addresses, resets passwords, sends sign-in links, follows and releases mail."),
            _DOMAIN,
            _VIEWS - {Right.VIEW_GRANTS}
            | {Right.SET_PASSWORDS, Right.SEND_SIGN_IN_LINKS, Right.TRACK_MAIL, Right.MANAGE_QUARANTINE},
        ),
        BuiltInRole(
            "auditor",
            _("Auditor"),
            _("Sees everything, changes nothing, and opens archives with a reason that their owners see."),
            _DOMAIN,
            _VIEWS | {Right.VIEW_AUDIT, Right.VIEW_REPORTS, Right.READ_OTHERS_MAIL, Right.TRACK_MAIL},
        ),
    )
}


class EndUserRight(StrEnum):
    """What people may do with their own things; set per domain."""

    SIGN_IN = "sign_in"
    CHANGE_PASSWORD = "change_password"  # noqa: S105  # a right's name
    EDIT_PROFILE = "edit_profile"
    CREATE_TOKENS = "create_tokens"
    MANAGE_SENDERS = "manage_senders"
    MANAGE_FORWARDING = "manage_forwarding"
    MANAGE_RULES = "manage_rules"
    MANAGE_SIGNATURE = "manage_signature"
    RELEASE_QUARANTINE = "release_quarantine"
    SEND_MAIL = "send_mail"
    SEARCH_ARCHIVE = "search_archive"
    IMPORT_MAIL = "import_mail"
    EXPORT_MAIL = "export_mail"


END_USER_RIGHTS: dict[EndUserRight, Text] = {
    EndUserRight.SIGN_IN: _("Sign in to these pages"),
    EndUserRight.CHANGE_PASSWORD: _("Change their password"),
    EndUserRight.EDIT_PROFILE: _("Change their name, language and appearance"),
    EndUserRight.CREATE_TOKENS: _("Make access tokens for their programs"),
    EndUserRight.MANAGE_SENDERS: _("Allow and block senders"),
    EndUserRight.MANAGE_FORWARDING: _("Forward their mail"),
    EndUserRight.MANAGE_RULES: _("Make mail rules, and answer while they are away"),
    EndUserRight.MANAGE_SIGNATURE: _("Change their signature"),
    EndUserRight.RELEASE_QUARANTINE: _("Release mail from quarantine"),
    EndUserRight.SEND_MAIL: _("Write mail on these pages"),
    EndUserRight.SEARCH_ARCHIVE: _("Search and read their archive"),
    EndUserRight.IMPORT_MAIL: _("Import mail"),
    EndUserRight.EXPORT_MAIL: _("Export their mail"),
}
ALL_END_USER_RIGHTS = frozenset(EndUserRight)
