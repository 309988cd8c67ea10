"""Boxes on the pages of what can be done to stores: each sets one argument. Not for forms with fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

# Tells a form without a tick from no form.
SENT = "sent"


@dataclass(frozen=True, slots=True)
class Choice:
    """One box; `name` is the argument it sets."""

    name: str
    label: str | Promise
    initial: bool = False


INDEXES = Choice("include_indexes", gettext_lazy("Also verify the search index"), True)
DEEP = Choice("deep", gettext_lazy("Also read every message and replay the whole catalogue (much slower)"))
DELETED = Choice(
    "recover_deleted_messages", gettext_lazy("Also bring back deleted messages whose bytes are still there")
)


def chosen(choices: Iterable[Choice], data: QueryDict) -> dict[str, bool]:
    """What is ticked in a form that was sent, or what is ticked at first."""
    sent = SENT in data
    return {choice.name: choice.name in data if sent else choice.initial for choice in choices}
