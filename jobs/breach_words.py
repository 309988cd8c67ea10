"""How it stands with a list of known passwords, in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.breach_list import lists
from accounts.breach_list.lists import Listed

_PROBLEMS: dict[str, str | Promise] = {
    lists.MISSING: _("The file isn't there; nothing is looked up in it."),
    lists.UNREADABLE: _("The file can't be read; nothing is looked up in it."),
    lists.WAITS: _("It isn't searchable yet; until it is indexed nothing is looked up in it."),
    lists.STALE: _("There is a newer file; what the one before said is looked up until this one is indexed."),
}
_WHYS: dict[str, str | Promise] = {
    "hash": _("no SHA-1 hash"),
    "text": _("no readable text"),
    "long": _("too long for a password"),
}


def problem_of(listed: Listed) -> str | Promise:
    """What is wrong with it; "" for nothing."""
    return _PROBLEMS.get(listed.problem, "")


def why(code: str) -> str | Promise:
    """What is wrong with a line."""
    return _WHYS.get(code, code)
