"""Whose mail rules a delivery passes: the server's, its domain's, its mailbox's, and the note of who is away.

Scripts are read and understood once, and remembered as long as nothing changes (`gateway.directory`); where there are
none, no delivery costs a query for them. Not for what they make of a message (`gateway.ruling`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from domains.models import DomainName, MailboxProfile
from gateway.away import script_of
from gateway.directory import Remembered
from gateway.models import OutOfOffice, RuleSettings, SieveScript
from gateway.sieve import BadScript, Script, parse

REMEMBERED = 5_000
SERVER, DOMAIN, USER, AWAY = "server", "domain", "user", "away"
log = logging.getLogger("postkeep.gateway")


@dataclass(frozen=True, slots=True)
class Layer:
    """One script that a delivery passes."""

    level: str
    name: str
    script: Script
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """All of one delivery, and what they may do. away: the note of who is away, which answers at the end."""

    rules: tuple[Layer, ...] = ()
    away: Layer | None = None
    folders: str = RuleSettings.Folders.HEADER.value
    most_redirects: int = 4


@dataclass(frozen=True, slots=True)
class _Used:
    """Who has rules at all."""

    server: bool
    domains: frozenset[int]
    mailboxes: frozenset[int]


NONE = Layers()
_used: Remembered[str, _Used] = Remembered(1)
_layers: Remembered[tuple[int | None, int | None], Layers] = Remembered(REMEMBERED)


def layers_for(mailbox_id: int | None, domain_id: int | None) -> Layers:
    """What a delivery passes, in order. Raises: DatabaseError."""
    used = _used.ask("", _read_used)
    if not used.server and domain_id not in used.domains and mailbox_id not in used.mailboxes:
        return NONE
    return _layers.ask((mailbox_id, domain_id), lambda: _read(mailbox_id, domain_id))


def _read_used() -> _Used:
    rows = SieveScript.objects.filter(is_active=True).exclude(text="")
    owners: list[tuple[int | None, int | None]] = list(rows.values_list("mailbox_id", "domain_id"))
    away = [
        *OutOfOffice.objects.filter(is_on=True).values_list("mailbox_id", flat=True),
        *MailboxProfile.objects.filter(absence_on=True).values_list("mailbox_id", flat=True),
    ]
    return _Used(
        server=(None, None) in owners,
        domains=frozenset(domain for _mailbox, domain in owners if domain is not None),
        mailboxes=frozenset([*(mailbox for mailbox, _domain in owners if mailbox is not None), *away]),
    )


def _read(mailbox_id: int | None, domain_id: int | None) -> Layers:
    whose = Q(mailbox=None, domain=None)
    if domain_id is not None:
        whose |= Q(domain=domain_id)
    if mailbox_id is not None:
        whose |= Q(mailbox=mailbox_id)
    rows = list(SieveScript.objects.filter(whose, is_active=True).exclude(text=""))
    order = {SERVER: 0, DOMAIN: 1, USER: 2}
    rows.sort(key=lambda row: order[row.level])
    settings = rule_settings(domain_id)
    return Layers(
        rules=tuple(_understood(rows)),
        away=None if mailbox_id is None else _away(mailbox_id, domain_id),
        folders=settings.folders,
        most_redirects=settings.most_redirects,
    )


def _understood(rows: Iterable[SieveScript]) -> Iterable[Layer]:
    for row in rows:
        try:
            yield Layer(row.level, row.name, parse(row.text), row.pk)
        except BadScript as error:  # written by another version
            log.error("the script %d can't be used: %s", row.pk, error)


def _away(mailbox_id: int, domain_id: int | None) -> Layer | None:
    row = OutOfOffice.objects.filter(mailbox=mailbox_id, is_on=True).first() or _absence(mailbox_id)
    if row is None:
        return None
    names = DomainName.objects.filter(domain=domain_id).values_list("name", flat=True)
    try:
        return Layer(AWAY, "", parse(script_of(row, sorted(names))))
    except BadScript as error:
        log.error("the note of mailbox %d can't be used: %s", mailbox_id, error)
        return None


def _absence(mailbox_id: int) -> OutOfOffice | None:
    """The absence note of the profile, which has one text for everybody, where there is no other note."""
    found = MailboxProfile.objects.filter(mailbox=mailbox_id, absence_on=True).first()
    if found is None:
        return None
    return OutOfOffice(
        mailbox_id=mailbox_id, is_on=True, starts_on=found.absence_from, ends_on=found.absence_until,
        subject=found.absence_subject, inside=found.absence_text, outside=found.absence_text,
    )  # fmt: skip


def rule_settings(domain_id: int | None) -> RuleSettings:
    """The domain's, else the server's, else the usual ones (not saved)."""
    rows = {row.domain_id: row for row in RuleSettings.objects.filter(Q(domain=None) | Q(domain=domain_id))}
    return rows.get(domain_id) or rows.get(None) or RuleSettings()
