"""Accounts elsewhere whose mail is fetched (POP3, IMAP): kept here, sealed, and tried through the gate.

Fetching itself comes with the archive's profiles. A kept password never goes to another server than it was given for.
"""

from __future__ import annotations

import imaplib
import poplib
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from config.kit import net, trust, versions
from domains.errors import Invalid, Taken
from domains.models import Mailbox, RemotePull
from domains.services.forwards import require_over_mailbox

MOST_PULLS = 20
_TEXTS = {"name": 100, "username": 254, "remote_folder": 200, "folder": 200}
_FIELDS = (*_TEXTS, "protocol", "host", "port", "use_tls", "every_minutes", "leave_there", "is_enabled", "password")
_SECRET = {"password": ("••••••", "••••••")}


def create_pull(actor: Actor, mailbox: Mailbox, values: Mapping[str, Any]) -> RemotePull:
    """A new one: name, protocol, host, port, username and password are needed. Raises: Forbidden, Invalid, Taken."""
    _require(actor, mailbox)
    for needed in ("name", "protocol", "host", "port", "username", "password"):
        if not values.get(needed):
            raise Invalid(_("This is needed."), field=needed)
    fields = _checked(values)
    with transaction.atomic():
        Mailbox.objects.select_for_update(of=("self",)).get(pk=mailbox.pk)
        if RemotePull.objects.filter(mailbox=mailbox).count() >= MOST_PULLS:
            raise Invalid(_("A mailbox fetches from at most %(most)d accounts.") % {"most": MOST_PULLS})
        try:
            with transaction.atomic():
                pull = RemotePull.objects.create(mailbox=mailbox, **fields)
        except IntegrityError as error:
            raise _taken() from error
        audit.record(actor, "pull.create", mailbox, name=pull.name, server=f"{pull.host}:{pull.port}")
    return pull


def update_pull(
    actor: Actor, pull: RemotePull, values: Mapping[str, Any], *, expected: int | None = None
) -> RemotePull:
    """Change some of it. Raises: Forbidden, Invalid, Taken, ChangedMeanwhile."""
    _require(actor, pull.mailbox)
    moved = any(name in values and values[name] != getattr(pull, name) for name in ("host", "port", "use_tls"))
    if moved and not values.get("password"):
        raise Invalid(_("The server changed: give its password again, or empty to remove it."), field="password")
    fields = _checked(values)
    with transaction.atomic():
        try:
            with transaction.atomic():
                changes = versions.change(pull, fields, expected=expected)
        except IntegrityError as error:
            raise _taken() from error
        if changes:
            shown = {name: pair for name, pair in changes.items() if name not in _SECRET}
            hidden = {name: pair for name, pair in _SECRET.items() if name in changes}
            audit.record(actor, "pull.update", pull.mailbox, changes=shown | hidden, name=pull.name)
    return pull


def delete_pull(actor: Actor, pull: RemotePull) -> None:
    """Fetch no more from there; what was fetched stays. Raises: Forbidden."""
    _require(actor, pull.mailbox)
    with transaction.atomic():
        audit.record(actor, "pull.delete", pull.mailbox, name=pull.name)
        pull.delete()


def try_pull(actor: Actor, pull: RemotePull, *, gate: net.Gate | None = None, timeout_s: float = 10.0) -> str:
    """Sign in there and leave: "" when that works, else the kind of failure (`config.kit.net.Category`).

    The words of the other side are told to nobody. Raises: Forbidden.
    """
    _require(actor, pull.mailbox)
    try:
        with net.connect(pull.host, pull.port, timeout_s=timeout_s, gate=gate, who=actor.label) as connection:
            _sign_in(pull, connection, timeout_s)
    except net.NetError as error:
        return str(error.category)
    except (imaplib.IMAP4.error, poplib.error_proto):
        return str(net.Category.AUTHENTICATION)
    except (OSError, EOFError):
        return str(net.Category.PROTOCOL)
    return ""


def _sign_in(pull: RemotePull, connection: net.Connection, timeout_s: float) -> None:
    raw = connection.start_tls(trust.client_context()) if pull.use_tls else connection.socket
    raw.settimeout(timeout_s)
    password = pull.password.reveal()
    if pull.protocol == RemotePull.Protocol.IMAP:
        imap = _Imap(raw)
        imap.login(pull.username, password)
        imap.logout()
        return
    pop = _Pop(raw)
    pop.user(pull.username)
    pop.pass_(password)
    pop.quit()


class _Imap(imaplib.IMAP4):
    """IMAP over a connection that the gate let through, so that no name is resolved again."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        super().__init__("", 0)

    def _create_socket(self, timeout: float | None) -> Any:
        return self._raw


class _Pop(poplib.POP3):
    """POP3 likewise."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        super().__init__("", 0)

    def _create_socket(self, timeout: float) -> Any:
        return self._raw


def _require(actor: Actor, mailbox: Mailbox) -> None:
    require_over_mailbox(actor, mailbox, EndUserRight.MANAGE_FORWARDING, Right.MANAGE_USERS)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: values[name] for name in _FIELDS if values.get(name) is not None}
    unknown = next((name for name in values if name not in _FIELDS), None)
    if unknown is not None:
        raise Invalid(_("There is no setting of this name."), field=unknown)
    for name, limit in _TEXTS.items():
        if name in fields and (len(str(fields[name])) > limit or not str(fields[name]).isprintable()):
            raise Invalid(_("At most %(limit)s characters.") % {"limit": limit}, field=name)
    if "protocol" in fields and fields["protocol"] not in RemotePull.Protocol.values:
        allowed = ", ".join(RemotePull.Protocol.values)
        raise Invalid(_("One of: %(allowed)s.") % {"allowed": allowed}, field="protocol")
    if "port" in fields and not 1 <= int(fields["port"]) <= 65535:
        raise Invalid(_("A port is a number from 1 to 65535."), field="port")
    if "every_minutes" in fields and not 1 <= int(fields["every_minutes"]) <= 10_080:
        raise Invalid(_("From %(least)d to %(most)d.") % {"least": 1, "most": 10_080}, field="every_minutes")
    if "host" in fields:
        try:
            fields["host"] = net.clean_host(str(fields["host"]))
        except net.NetError as error:
            raise Invalid(_("This is neither a host name nor an address."), field="host") from error
    if "password" in fields and not fields["password"]:
        del fields["password"]
    return fields


def _taken() -> Taken:
    return Taken(_("The mailbox fetches from an account of this name already."), field="name")
