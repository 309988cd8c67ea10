"""Absence note, information and preferences of a mailbox.

People change their own where their domain lets them; administrators those of people they manage and don't exceed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.models import OptionValue
from accounts.permissions import EndUserRight, Level, Right
from accounts.scopes import chain_of
from config.kit import versions
from domains.errors import Invalid
from domains.models import Mailbox, MailboxProfile
from domains.services.forwards import require_over_mailbox

DEFAULT_PREFERENCES = "DEFAULT_PREFERENCES"
MOST_KEYS, MOST_VALUE = 200, 4_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def profile_of(mailbox: Mailbox) -> MailboxProfile:
    """What a mailbox has; an unsaved empty one where it has nothing yet. Rights are the caller's."""
    return MailboxProfile.objects.filter(mailbox=mailbox).first() or MailboxProfile(mailbox=mailbox)


def set_absence(
    actor: Actor,
    mailbox: Mailbox,
    *,
    on: bool,
    start: date | None = None,
    end: date | None = None,
    subject: str = "",
    text: str = "",
    expected: int | None = None,
) -> MailboxProfile:
    """The note that is sent while somebody is away. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    require_over_mailbox(actor, mailbox, EndUserRight.EDIT_PROFILE, Right.MANAGE_USERS)
    if on and not text.strip():
        raise Invalid(_("Write what people are told."), field="text")
    if start is not None and end is not None and end < start:
        raise Invalid(_("The end lies before the beginning."), field="end")
    if len(text) > 10_000 or "\0" in text:
        raise Invalid(_("At most %(limit)s characters.") % {"limit": 10_000}, field="text")
    if len(subject) > 200 or (subject and not subject.isprintable()):
        raise Invalid(_("Only visible characters and spaces."), field="subject")
    values = {
        "absence_on": on, "absence_from": start, "absence_until": end, "absence_subject": subject, "absence_text": text,
    }  # fmt: skip
    return _change(actor, mailbox, "mailbox.set_absence", values, expected)


def set_information(
    actor: Actor, mailbox: Mailbox, values: Mapping[str, Any], *, expected: int | None = None
) -> MailboxProfile:
    """Facts about an account by name (location, phone …); null removes one. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_USERS, mailbox)
    return _merge(actor, mailbox, "information", values, expected)


def set_preferences(
    actor: Actor, mailbox: Mailbox, values: Mapping[str, Any], *, expected: int | None = None
) -> MailboxProfile:
    """What clients remember for the person; null removes one. Raises: Forbidden, Invalid."""
    require_over_mailbox(actor, mailbox, EndUserRight.EDIT_PROFILE, Right.MANAGE_USERS)
    return _merge(actor, mailbox, "preferences", values, expected)


def effective_preferences(mailbox: Mailbox) -> list[tuple[str, object, Level]]:
    """What counts for each name and which level says it: the account's own, else its domain, customer or the server.

    Rights are the caller's. The levels above say theirs in the option DEFAULT_PREFERENCES, one a line.
    """
    found: dict[str, tuple[object, Level]] = {}
    for scope in reversed(chain_of(mailbox.domain)):
        values = OptionValue.objects.filter(name=DEFAULT_PREFERENCES, level=scope.level, object_id=scope.id)
        for text in values.values_list("value", flat=True):
            found |= {name: (value, scope.level) for name, value in named_lines(str(text)).items()}
    found |= {name: (value, Level.USER) for name, value in profile_of(mailbox).preferences.items()}
    return [(name, value, level) for name, (value, level) in sorted(found.items())]


def named_lines(text: str) -> dict[str, str]:
    """Values by name, one a line: `Location: Oslo`."""
    lines = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _colon, value in lines if name.strip()}


def set_account_type(
    actor: Actor, mailbox: Mailbox, account_type: str, *, expected: int | None = None
) -> MailboxProfile:
    """A word for the kind of account ("MultiMailbox", "shared" …). Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_USERS, mailbox)
    if len(account_type) > 40 or (account_type and not account_type.isprintable()):
        raise Invalid(_("At most %(limit)s characters.") % {"limit": 40}, field="account_type")
    return _change(actor, mailbox, "mailbox.set_type", {"account_type": account_type}, expected)


def _merge(
    actor: Actor, mailbox: Mailbox, field: str, values: Mapping[str, Any], expected: int | None
) -> MailboxProfile:
    for key, value in values.items():
        if not _KEY.fullmatch(key):
            text = _("A name has letters, digits and . _ - and begins with a letter.")
            raise Invalid(text, field=f"{field}.{key[:64]}")
        if value is not None and not isinstance(value, str | int | float | bool):
            raise Invalid(_("A text, a number, or yes or no."), field=f"{field}.{key}")
        if isinstance(value, str) and (len(value) > MOST_VALUE or "\0" in value):
            raise Invalid(_("At most %(limit)s characters.") % {"limit": MOST_VALUE}, field=f"{field}.{key}")
    with transaction.atomic():
        present = _row(mailbox)
        merged = {**getattr(present, field), **values}
        kept = {key: value for key, value in merged.items() if value is not None}
        if len(kept) > MOST_KEYS:
            raise Invalid(_("At most %(most)d entries.") % {"most": MOST_KEYS}, field=field)
        return _change(actor, mailbox, f"mailbox.set_{field}", {field: kept}, expected)


def _change(
    actor: Actor,
    mailbox: Mailbox,
    action: str,
    values: Mapping[str, Any],
    expected: int | None,
) -> MailboxProfile:
    with transaction.atomic():
        row = _row(mailbox)
        changes = versions.change(row, values, expected=expected)
        if changes:
            audit.record(actor, action, mailbox, changes=changes)
    return row


def _row(mailbox: Mailbox) -> MailboxProfile:
    return MailboxProfile.objects.get_or_create(mailbox=mailbox)[0]
