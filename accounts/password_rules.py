"""What a new password must have where its person belongs: a length and kinds of characters, set by options.

Stands beside Django's own validators (settings: ten characters at least, nothing common, nothing like the name), and
only ever asks for more. Not for how passwords are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts import options
from accounts.models import User

LENGTH, KINDS = "PASSWORD_LENGTH", "PASSWORD_KINDS"


def problems(password: str, user: User) -> list[str]:
    """What it lacks, for the person who chose it; one query."""
    ((length, kinds),) = least_of([user])
    said = []
    if len(password) < length:
        said.append(too_short(length))
    if kinds_in(password) < kinds:
        said.append(too_plain(kinds))
    return said


def least_of(places: Sequence[object]) -> list[tuple[int, int]]:
    """(characters, kinds of them) that passwords of these people or places have at least, in their order; one query."""
    found = options.resolve_many([LENGTH, KINDS], places)
    return [(int(each[LENGTH].value), int(each[KINDS].value)) for each in found]


def too_short(count: int) -> str:
    return _("Take at least %(count)d characters.") % {"count": count}


def too_plain(count: int) -> str:
    return _("Mix at least %(count)d of these: small letters, capitals, digits, other characters.") % {"count": count}


def kinds_in(password: str) -> int:
    """How many of the four kinds of characters are in it."""
    others = any(not each.isalnum() for each in password)
    cases = (any(each.islower() for each in password), any(each.isupper() for each in password))
    return sum((*cases, any(each.isdigit() for each in password), others))
