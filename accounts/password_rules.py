"""What a new password must have where its person belongs: a length and kinds of characters, set by options, and
that nobody knows it: it stands in none of the lists of known passwords (`accounts.breach_list`).

Stands beside Django's own validators (settings: ten characters at least, nothing common, nothing like the name), and
only ever asks for more. That it isn't one the person had before is asked last, since it costs a hash for each
(`require_new`). Not for how passwords are kept, nor for how strong they are (`accounts.strength`).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import options
from accounts.breach_list import lists
from accounts.errors import BadPassword
from accounts.models import FormerPassword, User

LENGTH, KINDS, HISTORY = "PASSWORD_LENGTH", "PASSWORD_KINDS", "PASSWORD_HISTORY"
HISTORY_MAX = 10  # each costs a hash of some 50 ms while somebody waits


class NotKnownValidator:
    """As `settings.AUTH_PASSWORD_VALIDATORS` names it, so that every place that takes a password asks the lists."""

    def validate(self, password: str, user: object | None = None) -> None:
        if lists.is_known(password):
            raise ValidationError(known(), code="password_known")

    def get_help_text(self) -> str:
        return known()


def problems(password: str, user: User) -> list[str]:
    """What it lacks, for the person who chose it; one query."""
    ((length, kinds),) = least_of([user])
    said = []
    if len(password) < length:
        said.append(too_short(length))
    if kinds_in(password) < kinds:
        said.append(too_plain(kinds))
    return said


def require_new(password: str, user: User, *, differs: bool) -> None:
    """That somebody chooses none of the passwords they had last, the present one among them; as many as the option
    says. differs: not the present one in any case, since they were asked for another. Raises: BadPassword.
    """
    last = min(int(options.value(HISTORY, user)), HISTORY_MAX)
    if not last and not differs:
        return
    former = list(FormerPassword.objects.filter(user=user).values_list("encoded", flat=True)[: max(0, last - 1)])
    present = [user.password] if user.has_usable_password() else []
    for encoded in (*present, *former):
        if check_password(password, encoded):
            raise BadPassword([had_before(last)])


def least_of(places: Sequence[object]) -> list[tuple[int, int]]:
    """(characters, kinds of them) that passwords of these people or places have at least, in their order; one query."""
    found = options.resolve_many([LENGTH, KINDS], places)
    return [(int(each[LENGTH].value), int(each[KINDS].value)) for each in found]


def too_short(count: int) -> str:
    return _("Take at least %(count)d characters.") % {"count": count}


def too_plain(count: int) -> str:
    return _("Mix at least %(count)d of these: small letters, capitals, digits, other characters.") % {"count": count}


def known() -> str:
    return _("This password is known already: from a list that attackers try first, or from before. Take another one.")


def had_before(last: int) -> str:
    if last <= 1:
        return _("This is your present password. Take another one.")
    return ngettext(
        "This is your present password. Take another one.",
        "This is one of your last %(n)d passwords. Take a new one.",
        last,
    ) % {"n": last}


def kinds_in(password: str) -> int:
    """How many of the four kinds of characters are in it."""
    others = any(not each.isalnum() for each in password)
    cases = (any(each.islower() for each in password), any(each.isupper() for each in password))
    return sum((*cases, any(each.isdigit() for each in password), others))
