"""What each kind of person may set by a CSV file: every column of every importer × role × own and foreign domain.

A column without a value here fails tests/test_csv_access.py, which imports each; docs/access-matrix.md shows them.
`NARROW` holds the kind's own right on the domain and nothing else: the columns that take a right of their own are
refused to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, Domain, Mailbox, PendingPassword, Recipient, Subscriber
from domains.policy.exchange_fields import columns_of
from domains.policy.rules import RuleKind
from domains.services import groups
from domains.services.importing.kinds import KINDS
from domains.services.lists import settings
from domains.services.policies import create_policy
from domains.services.rule_values import KINDS as RULE_KINDS
from tests.access import Place, role_holds
from tests.domains.factories import make_mailbox_in
from tests.factories import PASSWORD
from tests.stage import Role

SYSTEM = Actor.system()
PLACES = (Place.DOMAIN, Place.SIBLING, Place.ELSEWHERE)
NARROW = "only the kind's own right"
Check = Callable[[Domain], Any]


class Told(StrEnum):
    """What somebody gets."""

    DONE = "✓"
    REFUSED = "refused"  # the row is named with its line, its column and why
    FORBIDDEN = "403"  # such files aren't theirs to send


@dataclass(frozen=True)
class CsvRow:
    """One column of one kind of file. cells: a row that sets it, {d} is the domain; check: that it is set there."""

    kind: str
    column: str
    need: Right
    right: Right | None
    cells: Mapping[str, str]
    check: Check
    rules: RuleKind | None = None

    @property
    def name(self) -> str:
        return f"{self.kind} {self.column}"

    def expected(self, role: Role | str, place: Place) -> Told:
        if role == NARROW:
            return Told.DONE if self.right is None else Told.REFUSED
        who = Role(role)
        there = role_holds(who, self.need, place)
        if not role_holds(who, self.need) or (self.rules is not None and not there):
            return Told.FORBIDDEN
        return Told.DONE if there and (self.right is None or role_holds(who, self.right, place)) else Told.REFUSED

    def text(self, domain: Domain) -> str:
        cells = {name: value.replace("{d}", domain.name) for name, value in self.cells.items()}
        return ",".join(cells) + "\n" + ",".join(f'"{cell}"' for cell in cells.values()) + "\n"


def prepare(domain: Domain) -> None:
    """What the rows below refer to."""
    owner = make_mailbox_in(domain, "owner")
    groups.create_group(SYSTEM, domain, email="team")
    settings.create_list(SYSTEM, domain, email="news", owner=owner)
    create_policy(SYSTEM, domain, {"name": "Strict"})


def _address(domain: Domain) -> Address:
    return Address.objects.get(text=f"new@{domain.name}")


def _mailbox(domain: Domain) -> Mailbox:
    return Mailbox.objects.select_related("user", "policy").get(address=f"new@{domain.name}")


def _person(domain: Domain) -> Any:
    return _mailbox(domain).user


def _leads(domain: Domain, source: str, target: str) -> bool:
    return Recipient.objects.filter(
        address__text=f"{source}@{domain.name}", email=target.format(d=domain.name)
    ).exists()


def _subscriber(domain: Domain) -> Subscriber:
    return Subscriber.objects.get(list__address__text=f"news@{domain.name}", email="new@elsewhere.example")


# kind: (what a row needs at least, {column: (cell, that it is set)})
BASE: dict[str, dict[str, str]] = {
    "users": {"email": "new@{d}"},
    "aliases": {"email": "new@{d}", "user": "owner@{d}"},
    "groups": {"email": "new@{d}"},
    "forwards": {"email": "new@{d}", "targets": "x@elsewhere.example"},
    "forwarding": {"email": "owner@{d}", "forward_to": "x@elsewhere.example"},
    "catch-alls": {"domain": "{d}", "catch_all": "x@elsewhere.example"},
    "subscribers": {"email": "new@elsewhere.example", "list": "news@{d}"},
}
NEEDS = {
    "users": Right.MANAGE_USERS,
    "aliases": Right.MANAGE_ADDRESSES,
    "groups": Right.MANAGE_ADDRESSES,
    "forwards": Right.MANAGE_ADDRESSES,
    "forwarding": Right.MANAGE_ADDRESSES,
    "catch-alls": Right.EDIT_DOMAINS,
    "subscribers": Right.MANAGE_LISTS,
}
VALUES: dict[str, dict[str, tuple[str, Check]]] = {
    "users": {
        "email": ("new@{d}", _mailbox),
        "name": ("Ada", lambda d: _person(d).name == "Ada"),
        "first_name": ("Ada", lambda d: _person(d).first_name == "Ada"),
        "last_name": ("Byron", lambda d: _person(d).last_name == "Byron"),
        "language": ("nb", lambda d: _person(d).language == "nb"),
        "status": ("disabled", lambda d: _mailbox(d).status == "disabled"),
        "password": (PASSWORD, lambda d: PendingPassword.objects.filter(user=_person(d)).exists()),
        "quota_mb": ("5", lambda d: _mailbox(d).quota_bytes == 5 << 20),
        "policy": ("Strict", lambda d: str(_mailbox(d).policy) == "Strict"),
        "aliases": ("more@{d}", lambda d: _leads(d, "more", "new@{d}")),
        "groups": ("team@{d}", lambda d: _leads(d, "team", "new@{d}")),
    },
    "aliases": {
        "email": ("new@{d}", _address),
        "user": ("owner@{d}", lambda d: _leads(d, "new", "owner@{d}")),
        "status": ("disabled", lambda d: not _address(d).is_enabled),
    },
    "groups": {
        "email": ("new@{d}", _address),
        "name": ("Crew", lambda d: _address(d).name == "Crew"),
        "description": ("All of us", lambda d: _address(d).description == "All of us"),
        "status": ("disabled", lambda d: not _address(d).is_enabled),
        "senders": ("listed", lambda d: _address(d).senders == "listed"),
        "allowed_senders": ("@elsewhere.example", lambda d: _address(d).allowed_senders.exists()),
        "members": ("owner@{d}", lambda d: _leads(d, "new", "owner@{d}")),
    },
    "forwards": {
        "email": ("new@{d}", _address),
        "name": ("Former", lambda d: _address(d).name == "Former"),
        "description": ("Left", lambda d: _address(d).description == "Left"),
        "status": ("disabled", lambda d: not _address(d).is_enabled),
        "targets": ("y@elsewhere.example", lambda d: _leads(d, "new", "y@elsewhere.example")),
    },
    "forwarding": {
        "email": ("owner@{d}", lambda d: _leads(d, "owner", "x@elsewhere.example")),
        "forward_to": ("y@elsewhere.example", lambda d: _leads(d, "owner", "y@elsewhere.example")),
        "keep_copy": ("no", lambda d: not Address.objects.get(text=f"owner@{d.name}").keep_copy),
    },
    "catch-alls": {
        "domain": ("{d}", lambda d: Domain.objects.get(pk=d.pk).catch_all),
        "catch_all": ("owner@{d}", lambda d: Domain.objects.get(pk=d.pk).catch_all == f"owner@{d.name}"),
    },
    "subscribers": {
        "email": ("new@elsewhere.example", _subscriber),
        "list": ("news@{d}", _subscriber),
        "name": ("Ada", lambda d: _subscriber(d).name == "Ada"),
        "mode": ("digest", lambda d: _subscriber(d).mode == "digest"),
        "state": ("waiting", lambda d: _subscriber(d).state == "waiting"),
        "posting": ("moderated", lambda d: _subscriber(d).posting == "moderated"),
        "moderate_next": ("3", lambda d: _subscriber(d).moderate_next == 3),
    },
}
# kind of filter: (what a row needs at least, {column: (cell, the model's field, its value)})
RULES: dict[RuleKind, tuple[dict[str, str], dict[str, tuple[str, str, Any]]]] = {
    RuleKind.SENDER: (
        {"type": "allow", "value": "partner.example"},
        {
            "type": ("block", "type", "block"),
            "value": ("other.example", "value", "other.example"),
            "owner": ("{d}", "value", "partner.example"),
            "subdomains": ("yes", "value", ".partner.example"),
            "expires_at": ("2099-01-01", "expires_at__year", 2099),
            "spf_required": ("yes", "spf_required", True),
            "display_name": ("The chief", "display_name", "The chief"),
            "description": ("Why", "description", "Why"),
        },
    ),
    RuleKind.ATTACHMENT: (
        {"action": "deny", "check": "filename", "filter": r"\.exe$"},
        {
            "action": ("allow", "action", "allow"),
            "check": ("contenttype", "check_type", "contenttype"),
            "filter": (r"\.scr$", "filter", r"\.scr$"),
            "mode": ("text", "mode", "text"),
            "priority": ("1", "priority", 1),
            "description": ("Why", "description", "Why"),
        },
    ),
    RuleKind.URI: (
        {"action": "blacklist_uri_host", "filter": "evil.example", "mode": "domain"},
        {
            "action": ("whitelist_uri_host", "action", "whitelist_uri_host"),
            "filter": ("bad.example", "filter", "bad.example"),
            "mode": ("domain", "mode", "domain"),
            "priority": ("1", "priority", 1),
            "description": ("Why", "description", "Why"),
        },
    ),
    RuleKind.DLP: (
        {"id": "cards", "expression": "secret", "targets_content": "yes"},
        {
            "id": ("numbers", "identifier", "numbers"),
            "sender_domain": ("{d}", "identifier", "cards"),
            "expression": ("hidden", "expression", "hidden"),
            "explanation": ("Why", "explanation", "Why"),
            "targets_sender": ("yes", "targets_sender", True),
            "targets_recipients": ("yes", "targets_recipients", True),
            "targets_content": ("yes", "targets_content", True),
            "mode": ("wildcard", "mode", "wildcard"),
            "case_sensitive": ("yes", "case_sensitive", True),
            "priority": ("1", "priority", 1),
        },
    ),
}


# a name that is protected goes with the address of a person
WITH: dict[tuple[RuleKind, str], dict[str, str]] = {
    (RuleKind.SENDER, "display_name"): {"type": "protected", "value": "chief@partner.example"},
}


def _of_rules(kind: RuleKind) -> list[CsvRow]:
    base, columns = RULES[kind]
    model: Any = RULE_KINDS[kind].model

    def check(field: str, value: Any) -> Check:
        return lambda domain: model.objects.filter(domain=domain, **{field: value}).exists()

    return [
        CsvRow(
            f"{kind} rules",
            column,
            RULE_KINDS[kind].right,
            None,
            {**base, **WITH.get((kind, column), {}), column: cell},
            check(field, value),
            kind,
        )
        for column, (cell, field, value) in columns.items()
    ]


ROWS: list[CsvRow] = [
    CsvRow(kind, column, NEEDS[kind], KINDS[kind].columns[column], {**BASE[kind], column: cell}, check)
    for kind, columns in VALUES.items()
    for column, (cell, check) in columns.items()
    if column in KINDS[kind].columns
]
for _kind in RuleKind:
    ROWS += _of_rules(_kind)


def missing() -> list[str]:
    """Columns that nobody declared, and declared ones that aren't there."""
    there = {f"{kind} {column}" for kind, importer in KINDS.items() for column in importer.columns}
    there |= {f"{kind} rules {column.name}" for kind in RuleKind for column in columns_of(kind)}
    said = {f"{kind} {column}" for kind, columns in VALUES.items() for column in columns}
    said |= {f"{kind} rules {column}" for kind, (_base, columns) in RULES.items() for column in columns}
    return sorted(there ^ said)
