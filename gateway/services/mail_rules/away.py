"""The out-of-office note of a mailbox: written by its person, or by who manages their rules."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from config.kit.versions import change
from domains.errors import Invalid
from domains.models import Mailbox
from gateway.models import OutOfOffice, VacationAnswer
from gateway.services.mail_rules.scripts import require_rules

TEXT_LENGTH, SUBJECT_LENGTH, MOST_DAYS = 5000, 200, 90
FIELDS = ("is_on", "starts_on", "ends_on", "subject", "inside", "answers_outside", "outside", "days")


def note_of(mailbox: Mailbox) -> OutOfOffice:
    """It, or an empty one that isn't saved. Who may see it was asked before."""
    return OutOfOffice.objects.filter(mailbox=mailbox).first() or OutOfOffice(mailbox=mailbox, version=0)


def set_note(actor: Actor, mailbox: Mailbox, values: dict[str, Any], *, expected: int | None = None) -> OutOfOffice:
    """Set some fields. Switching it on, or another first day, lets everybody be answered anew.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    require_rules(actor, mailbox)
    with transaction.atomic():
        row, _made = OutOfOffice.objects.get_or_create(mailbox=mailbox)
        after = {name: values.get(name, getattr(row, name)) for name in FIELDS}
        _check(after)
        changes = change(row, after, expected=expected or None)
        if changes:
            audit.record(actor, "mailrules.away", mailbox, changes=changes)
        if "is_on" in changes or "starts_on" in changes:
            VacationAnswer.objects.filter(mailbox=mailbox).delete()
    return row


def forget_answered(actor: Actor, mailbox: Mailbox) -> int:
    """Let everybody be answered anew; how many had been answered. Raises: Forbidden."""
    require_rules(actor, mailbox)
    with transaction.atomic():
        count = VacationAnswer.objects.filter(mailbox=mailbox).delete()[0]
        if count:
            audit.record(actor, "mailrules.away", mailbox, forgotten=count)
    return count


def _check(values: dict[str, Any]) -> None:
    starts, ends = values["starts_on"], values["ends_on"]
    for name in ("starts_on", "ends_on"):
        if values[name] is not None and not isinstance(values[name], date):
            raise Invalid(_("A day, please."), field=name)
    if starts is not None and ends is not None and ends < starts:
        raise Invalid(_("The last day is before the first."), field="ends_on")
    if len(values["subject"]) > SUBJECT_LENGTH or not values["subject"].isprintable():
        raise Invalid(_("One line of at most %(most)d characters.") % {"most": SUBJECT_LENGTH}, field="subject")
    for name in ("inside", "outside"):
        if len(values[name]) > TEXT_LENGTH or "\0" in values[name]:
            raise Invalid(_("At most %(limit)s characters.") % {"limit": TEXT_LENGTH}, field=name)
    if values["is_on"] and not (values["inside"].strip() or (values["answers_outside"] and values["outside"].strip())):
        raise Invalid(_("What should be answered?"), field="inside")
    if not 1 <= values["days"] <= MOST_DAYS:
        raise Invalid(_("From %(least)d to %(most)d.") % {"least": 1, "most": MOST_DAYS}, field="days")
