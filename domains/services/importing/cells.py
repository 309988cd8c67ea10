"""Cells of files to import, each read alone: spelling and shape. Nothing here asks the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from config.kit.csv_reading import CsvRow
from domains.services.importing.results import BadRow

_APART = re.compile(r"[\s,;]+")
YES = frozenset({"yes", "true", "1"})
NO = frozenset({"no", "false", "0"})


def address(text: str, column: str) -> tuple[str, str]:
    """(local part, domain), canonical. Raises: BadRow."""
    try:
        parsed = parse_address(text)
    except BadAddress as error:
        raise BadRow(column, str(error)) from error
    return parsed.local, parsed.domain


def addresses(row: CsvRow, column: str) -> list[tuple[str, str]]:
    """The addresses of a cell, set apart by spaces, commas or semicolons, each once. Raises: BadRow."""
    found: dict[tuple[str, str], None] = {}
    for text in split(row[column]):
        try:
            found[address(text, column)] = None
        except BadRow as error:
            raise BadRow(column, f"{text[:100]}: {error.reason}") from error
    return list(found)


def split(text: str) -> list[str]:
    """What a cell lists."""
    return [part for part in _APART.split(text) if part]


def words(row: CsvRow, limits: Mapping[str, int], *, exact: bool = False) -> dict[str, str]:
    """Texts of at most so many characters; their spaces are made one each, or left as they are. Raises: BadRow."""
    found = {}
    for name, limit in limits.items():
        value = row[name] if exact else " ".join(row[name].split())
        if len(value) > limit or "\0" in value:
            raise BadRow(name, _("At most %(limit)s characters.") % {"limit": limit})
        found[name] = value
    return found


def one_of(row: CsvRow, column: str, allowed: Collection[str], default: str = "") -> str:
    """One of some words, in any case; the default where the cell is empty. Raises: BadRow."""
    value = row[column].strip().lower()
    if value and value not in allowed:
        raise BadRow(column, _("One of: %(allowed)s.") % {"allowed": ", ".join(sorted(allowed))})
    return value or default


def whole_number(row: CsvRow, column: str, most: int) -> int | None:
    """From 0 to `most`; None where the cell is empty. Raises: BadRow."""
    text = row[column].strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise BadRow(column, _("From %(least)d to %(most)d.") % {"least": 0, "most": most})
    return int(text)
