"""What rows of groups and of forwards say, read alone.

Groups: email, name, description, status, senders, allowed_senders, members. Forwards: email, name, description, status,
targets. Addresses in a cell are set apart by spaces. An address may go on in further rows, which add to its members,
because a cell holds only so much; what they say beside must be the same or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit.csv_reading import CsvRow
from domains.models import Address, Status
from domains.services.importing import cells
from domains.services.importing.results import BadRow

GROUP_COLUMNS: dict[str, Right | None] = dict.fromkeys(
    ("email", "name", "description", "status", "senders", "allowed_senders", "members")
)
FORWARD_COLUMNS: dict[str, Right | None] = dict.fromkeys(("email", "name", "description", "status", "targets"))
STATUSES = {str(Status.ENABLED): True, str(Status.DISABLED): False}
_LENGTHS = {"name": 200, "description": 1000}


@dataclass(slots=True)
class SharedRow:
    """A row that can be read. None: the file has no such column, or the cell says nothing."""

    line: int
    local: str
    domain: str
    name: str | None
    description: str | None
    is_enabled: bool | None
    senders: str | None = None
    allowed: list[str] = field(default_factory=list)
    recipients: list[tuple[str, str]] = field(default_factory=list)


def read_group(row: CsvRow) -> SharedRow:
    """Raises: BadRow."""
    found = _read(row)
    found.senders = cells.one_of(row, "senders", Address.Senders.values) or None
    found.allowed = [_sender(text) for text in cells.split(row["allowed_senders"])]
    found.recipients = cells.addresses(row, "members")
    return found


def read_forward(row: CsvRow) -> SharedRow:
    """Raises: BadRow."""
    found = _read(row)
    found.recipients = cells.addresses(row, "targets")
    return found


def enabled(row: CsvRow) -> bool | None:
    """The state of an address; None where nothing is said. Raises: BadRow."""
    return STATUSES.get(cells.one_of(row, "status", STATUSES))


def _read(row: CsvRow) -> SharedRow:
    local, domain = cells.address(row["email"], "email")
    words = cells.words(row, _LENGTHS, exact=True)
    given = {name: value if name in row.cells else None for name, value in words.items()}
    return SharedRow(row.line, local, domain, given["name"], given["description"], enabled(row))


def _sender(text: str) -> str:
    """An address, or a domain as @example.org. Raises: BadRow."""
    if not text.startswith("@"):
        return "@".join(cells.address(text, "allowed_senders"))
    try:
        return f"@{canonical_domain(text[1:])}"
    except BadAddress as error:
        raise BadRow("allowed_senders", _("%(text)s: %(why)s") % {"text": text[:100], "why": error}) from error
