"""What a domain leaves to its customer, or to the server: the value that counts, and where it comes from.

A domain's own value is a column of its row (null: inherited); customers and the server keep theirs as options. One
query however many domains are asked. Pages, the API and services read these settings here and nowhere else. Quotas are
`services.quotas`'s; writing is `services.defaults`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts import options
from accounts.models import OptionValue
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.fixed import Asked
from domains.models import Customer, Domain

# The option with which its customer and the server say what a domain's field leaves open.
OPTIONS = {
    "default_language": "LANGUAGE",
    "auto_provisioning": "AUTO_PROVISIONING",
    "sender_verify": "SENDER_VERIFY",
    "list_priority": "LIST_PRIORITY",
    "end_user_rights": "END_USER_RIGHTS",
}
FIELDS = tuple(OPTIONS)
# What a new account gets, down to the domain.
ACCOUNT_STATUS, ACCOUNT_THEME = "ACCOUNT_STATUS", "ACCOUNT_THEME"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that counts.

    source: the scope that says it (None: nobody does, it is built in). own: what the object itself says, None where it
    inherits. inherited: what would count without that, and `inherited_from` whom.
    """

    name: str
    value: Any
    source: ScopeRef | None
    own: Any
    inherited: Any
    inherited_from: ScopeRef | None

    @property
    def is_own(self) -> bool:
        return self.own is not None


def settings_of(obj: Domain | Customer | None) -> dict[str, Setting]:
    """All inheritable settings of a domain, a customer, or the server (None)."""
    return settings_of_many([obj])[0]


def settings_of_many(objects: Sequence[Domain | Customer | None]) -> list[dict[str, Setting]]:
    """The same of many, in their order; one query."""
    asked = settings_question(objects)
    return asked.answers(asked.query.rows())


def settings_question(objects: Sequence[Domain | Customer | None]) -> SettingsQuestion:
    """The same in two steps, so that its query can go together with others."""
    return SettingsQuestion(objects, options.question(OPTIONS.values(), [*objects, None]))


@dataclass(frozen=True, slots=True)
class SettingsQuestion:
    """What `settings_of_many` asks the database, and how it reads the answer."""

    objects: Sequence[Domain | Customer | None]
    above: options.Question

    @property
    def query(self) -> Asked[OptionValue]:
        return self.above.query

    def answers(self, rows: Iterable[OptionValue]) -> list[dict[str, Setting]]:
        *each, server = self.above.answers(rows)
        return [
            {name: _setting(name, obj, resolved[option], server[option]) for name, option in OPTIONS.items()}
            for obj, resolved in zip(self.objects, each, strict=True)
        ]


def value_of(obj: Domain | Customer | None, name: str) -> Any:
    """One setting's value; asks nobody else where the domain says it itself."""
    own = getattr(obj, name) if isinstance(obj, Domain) else None
    return options.value(OPTIONS[name], obj) if own is None else own


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a new account of a domain gets where nobody says it: written to it once, unlike what it inherits."""

    language: str
    status: str
    theme: str


def new_account(domain: Domain) -> NewAccount:
    """The template of a domain's accounts; one query. Source: CommuniGate's Account Template."""
    found = options.resolve_some((OPTIONS["default_language"], ACCOUNT_STATUS, ACCOUNT_THEME), domain)
    language = domain.default_language or found[OPTIONS["default_language"]].value
    return NewAccount(language, found[ACCOUNT_STATUS].value, found[ACCOUNT_THEME].value)


def domains_with(name: str, value: Any) -> Q:
    """The domains for which this value counts, wherever it comes from: for filters. One small query."""
    option = options.get(OPTIONS[name])
    rows = OptionValue.objects.filter(name=option.name, level__in=(Level.SERVER, Level.CUSTOMER))
    said = {(row.level, row.object_id): row.value for row in rows}
    customers = {key: found for (level, key), found in said.items() if level == Level.CUSTOMER}
    inherited = Q(customer_id__in=[key for key, found in customers.items() if found == value])
    if said.get((Level.SERVER.value, SERVER.id), option.default) == value:
        inherited |= ~Q(customer_id__in=list(customers)) | Q(customer=None)
    return Q(**{name: value}) | (Q(**{f"{name}__isnull": True}) & inherited)


def _setting(name: str, obj: Domain | Customer | None, above: options.Resolved, server: options.Resolved) -> Setting:
    if isinstance(obj, Domain):
        own = getattr(obj, name)
        if own is None:
            return Setting(name, above.value, above.source, None, above.value, above.source)
        return Setting(name, own, ScopeRef(Level.DOMAIN, obj.pk), own, above.value, above.source)
    if not above.is_own:
        return Setting(name, above.value, above.source, None, above.value, above.source)
    return Setting(
        name, above.value, above.source, above.value, above.inherited, None if obj is None else server.source
    )
