"""What a row of users says, read alone: shape and spelling. Nothing here asks the database.

Columns: email; name, first_name, last_name, language, status, password, quota_mb, policy, aliases, groups (several set
apart by spaces). Each takes the right that its field takes in the form (`COLUMNS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import Right
from config.kit.csv_reading import CsvRow
from domains.models import Status
from domains.models.tenants import LANGUAGES
from domains.services.importing import cells
from domains.services.importing.results import BadRow

MIB = 1 << 20
LARGEST_MB = 1 << 40
# column: the right it takes on the row's domain, beside managing users
COLUMNS: dict[str, Right | None] = {
    "email": None,
    "name": None,
    "first_name": None,
    "last_name": None,
    "language": None,
    "status": None,
    "password": Right.SET_PASSWORDS,
    "quota_mb": Right.MANAGE_QUOTAS,
    "policy": Right.MANAGE_POLICIES,
    "aliases": Right.MANAGE_ADDRESSES,
    "groups": Right.MANAGE_ADDRESSES,
}
REQUIRED = ("email",)
STATUSES = (Status.ENABLED, Status.DISABLED, Status.PENDING)
_LENGTHS = {"name": 200, "first_name": 100, "last_name": 100, "policy": 200}
_LANGUAGES = {code for code, _label in LANGUAGES}


@dataclass(slots=True)
class UserRow:
    """A row that can be read; what isn't given is "" or None."""

    line: int
    local: str
    domain: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    status: str = ""
    password: str = ""
    quota_bytes: int | None = None
    policy: str = ""
    aliases: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        return f"{self.local}@{self.domain}"


def read_row(row: CsvRow) -> UserRow:
    """Raises: BadRow."""
    local, domain = cells.address(row["email"], "email")
    found = UserRow(row.line, local, domain)
    for name, value in cells.words(row, _LENGTHS).items():
        setattr(found, name, value)
    found.language = cells.one_of(row, "language", _LANGUAGES)
    found.status = cells.one_of(row, "status", {str(each) for each in STATUSES})
    found.quota_bytes = _quota(row["quota_mb"])
    found.password = _password(row["password"], found)
    found.aliases = [_local(text, found) for text in row["aliases"].split()]
    found.groups = [_local(text, found, "groups") for text in row["groups"].split()]
    return found


def _local(text: str, row: UserRow, column: str = "aliases") -> str:
    """The local part of an address of the row's domain."""
    local, domain = cells.address(text if "@" in text else f"{text}@{row.domain}", column)
    if domain != row.domain:
        wrong = _("%(address)s is not an address of %(domain)s.") % {"address": text, "domain": row.domain}
        raise BadRow(column, wrong)
    return local


def _quota(text: str) -> int | None:
    if not text.strip():
        return None
    if text.strip().lower() in ("-1", "unlimited"):
        return -1
    try:
        amount = float(text.replace(",", "."))
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= LARGEST_MB:
        raise BadRow("quota_mb", _("A quota is a number of megabytes, or “unlimited”."))
    return int(amount * MIB)


def _password(text: str, row: UserRow) -> str:
    if not text:
        return ""
    try:
        validate_password(text, User(email=row.email, name=row.name))
    except ValidationError as error:
        raise BadRow("password", " ".join(error.messages)) from error
    return text
