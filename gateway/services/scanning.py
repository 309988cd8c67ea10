"""The scanners of the gateway: their settings, and trying them.

A process keeps the settings for two seconds, so that a change counts soon and a message costs no query. The password is
written and never answered; leaving it out keeps it, but only for the address it was typed for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import net
from config.kit.sealed import Sealed
from config.kit.versions import change
from domains.errors import Invalid
from gateway.judging.settings import ScannerSettings, SpamScanner, VirusScanner, WhenDown
from gateway.models import Scanning
from gateway.naming import own_name

KEPT_S = 2.0
LONGEST_S = 120
_CHOICES = {
    "spam_scanner": Scanning.Spam,
    "virus_scanner": Scanning.Virus,
    "spam_when_down": Scanning.Down,
    "virus_when_down": Scanning.Down,
    "dns_when_down": Scanning.Down,
}
_SECONDS = ("spam_timeout_s", "virus_timeout_s", "dns_timeout_s")
_SWITCHES = ("authenticate", "verify_senders")
_URLS = ("rspamd_url", "rspamd_learn_url")
FIELDS = (*_CHOICES, *_SECONDS, *_SWITCHES, *_URLS, "rspamd_password", "clamd_address", "authserv_id")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)

_kept: tuple[float, ScannerSettings] | None = None


def current_settings() -> ScannerSettings:
    """What counts now, two seconds old at most. Raises: DatabaseError."""
    global _kept
    kept = kept_settings()
    if kept is not None:
        return kept
    now = time.monotonic()
    found = settings_of(Scanning.objects.filter(pk=1).first() or Scanning(pk=1))
    _kept = now, found
    return found


def kept_settings() -> ScannerSettings | None:
    """What was read less than two seconds ago; asks nobody."""
    kept = _kept
    return kept[1] if kept is not None and time.monotonic() - kept[0] < KEPT_S else None


def forget_kept() -> None:
    """Read the settings anew at the next message."""
    global _kept
    _kept = None


def settings_of(row: Scanning) -> ScannerSettings:
    return ScannerSettings(
        spam_scanner=SpamScanner(row.spam_scanner),
        rspamd_url=row.rspamd_url,
        rspamd_learn_url=row.rspamd_learn_url,
        rspamd_password=row.rspamd_password.reveal() if row.rspamd_password else "",
        spam_timeout_s=row.spam_timeout_s,
        spam_when_down=WhenDown(row.spam_when_down),
        virus_scanner=VirusScanner(row.virus_scanner),
        clamd_address=row.clamd_address,
        virus_timeout_s=row.virus_timeout_s,
        virus_when_down=WhenDown(row.virus_when_down),
        authenticate=row.authenticate,
        dns_timeout_s=row.dns_timeout_s,
        dns_when_down=WhenDown(row.dns_when_down),
        verify_senders=row.verify_senders,
        authserv_id=row.authserv_id or own_name(),
    )


def get_scanning(actor: Actor) -> Scanning:
    """The row, or one with the defaults that isn't saved. Raises: Forbidden."""
    actor.require(Right.MANAGE_GATEWAY)
    return Scanning.objects.filter(pk=1).first() or Scanning(pk=1)


def update_scanning(actor: Actor, values: Mapping[str, Any], *, expected: int | None = None) -> Scanning:
    """Change some values. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_GATEWAY)
    actor.require_writing()
    with transaction.atomic():
        Scanning.objects.bulk_create([Scanning(pk=1)], ignore_conflicts=True)
        row = Scanning.objects.select_for_update().get(pk=1)
        fields = _clean(row, values)
        changes = change(row, fields, expected=expected)
        if changes:
            told = {name: pair for name, pair in changes.items() if name != "rspamd_password"}
            audit.record(actor, "scanning.update", row, changes=told, password_replaced="rspamd_password" in changes)
    forget_kept()
    return row


def _clean(row: Scanning, values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises: Invalid."""
    unknown = next((name for name in values if name not in FIELDS), None)
    if unknown is not None:
        raise Invalid(_("There is no such setting."), field=unknown)
    fields = {name: value for name, value in values.items() if name != "rspamd_password"}
    for name, value in fields.items():
        if name in _CHOICES and value not in _CHOICES[name].values:
            raise Invalid(_("Choose one of: %(known)s.") % {"known": ", ".join(_CHOICES[name].values)}, field=name)
        if name in _SECONDS and not (isinstance(value, int) and 0 < value <= LONGEST_S):
            raise Invalid(_("A number of seconds from 1 to %(most)d.") % {"most": LONGEST_S}, field=name)
        if name in _SWITCHES and not isinstance(value, bool):
            raise Invalid(_("Yes or no."), field=name)
    for name in _URLS:
        if fields.get(name) or (name in fields and name == "rspamd_url"):
            fields[name] = _url(str(fields[name]), name)
    if "clamd_address" in fields:
        fields["clamd_address"] = _place(str(fields["clamd_address"]))
    if "authserv_id" in fields:
        fields["authserv_id"] = _own(str(fields["authserv_id"]))
    password = values.get("rspamd_password")
    if password is not None:
        if not isinstance(password, str) or len(password) > 500 or not password.isprintable():
            raise Invalid(_("A password of at most 500 characters."), field="rspamd_password")
        fields["rspamd_password"] = Sealed.of(password, purpose="rspamd password")
    elif row.rspamd_password and any(fields.get(name, getattr(row, name)) != getattr(row, name) for name in _URLS):
        raise Invalid(_("Type the password again: it was given for another server."), field="rspamd_password")
    return fields


def _url(text: str, field: str) -> str:
    text = text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host or port == 0 or parts.query or parts.username:
            raise Invalid(_("An address such as http://127.0.0.1:11333."), field=field)
        net.clean_host(host)
    except (ValueError, net.NetError) as error:
        if isinstance(error, Invalid):
            raise
        raise Invalid(_("An address such as http://127.0.0.1:11333."), field=field) from error
    return text[:300]


def _place(text: str) -> str:
    text = text.strip()
    if text.startswith("/"):
        if text not in settings.SCANNER_SOCKETS:
            raise Invalid(
                _("This socket is not open to scanners; POSTKEEP_SCANNER_SOCKETS adds sockets."), field="clamd_address"
            )
        return text
    host, _colon, port = text.rpartition(":")
    try:
        net.clean_host(host)
        known = port.isdecimal() and 0 < int(port) < 65536
    except net.NetError:
        known = False
    if not known or not host:
        raise Invalid(_("A server and a port, such as 127.0.0.1:3310, or the path of a socket."), field="clamd_address")
    return text


def _own(text: str) -> str:
    text = text.strip().lower().rstrip(".")
    if text and not _NAME.fullmatch(text):
        raise Invalid(_("The name of a server."), field="authserv_id")
    return text
