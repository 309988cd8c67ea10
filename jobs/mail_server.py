"""The server by which our own mails leave: reading it, setting it, forgetting it, sending a test mail.

The password is written and never answered; leaving it out keeps it, but only for the very server it was typed for.
Without a row the environment's server counts (`config.kit.mailing`). Source of the names: GetSmtpSettings,
SetSmtpSettings, TestSmtpSettings of the MailStore administration API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit import mailing, net
from config.kit.mail_transport import Security, Server
from config.kit.sealed import Sealed
from config.kit.versions import change
from jobs.errors import BadValue, NotReady
from jobs.models import MailServer

Protocol = MailServer.Protocol
MOST_RECIPIENTS = 50
# The names of the dataset, and the columns.
NAMES = {
    "hostname": "hostname",
    "port": "port",
    "protocol": "protocol",
    "ignoreSslPolicyErrors": "trusts_all",
    "authenticationRequired": "signs_in",
    "username": "username",
    "password": "password",
    "fromDisplayName": "from_name",
    "fromEmailAddress": "from_address",
    "recipientEmailAddresses": "recipients",
}
_ONLY_TOLD = ("hasPassword", "source")
_SECURITY = {
    Protocol.PLAIN: Security.NONE,
    Protocol.STARTTLS: Security.STARTTLS,
    Protocol.TLS: Security.TLS,
}


def register() -> None:
    """Tell the kit by which server mails leave."""
    mailing.register(transport)


def transport() -> Server | None:
    """The server that people set, ready to connect to."""
    row = MailServer.objects.first()
    return None if row is None else _server(row)


def get_mail_server(actor: Actor) -> MailServer | None:
    """The row, None where the environment's server counts. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return MailServer.objects.first()


def notice_recipients() -> list[str]:
    """Who gets notices where nobody else is named."""
    row = MailServer.objects.first()
    return [] if row is None else list(row.recipients)


def set_mail_server(actor: Actor, values: Mapping[str, Any], *, expected: int | None = None) -> MailServer:
    """Set it as a whole, by the names of the columns; a password that is left out is kept.

    Raises: Forbidden, BadValue, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    with transaction.atomic():
        row = MailServer.objects.select_for_update().first()
        fields = _clean(values)
        password = values.get("password")
        if password is not None:
            fields["password"] = Sealed.of(_password(password), purpose="mail server password")
        _require_password(row, fields)
        if row is None:
            row = MailServer(pk=1, **fields)
            row.save(force_insert=True)
            audit.record(actor, "mail_server.set", None, server=str(row))
            return row
        changes = change(row, fields, expected=expected)
        if changes:
            told = {name: pair for name, pair in changes.items() if name != "password"}
            is_new = "password" in changes
            audit.record(actor, "mail_server.change", None, changes=told, server=str(row), password_replaced=is_new)
    return row


def forget_mail_server(actor: Actor) -> None:
    """Back to the environment's server, if there is one. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    with transaction.atomic():
        row = MailServer.objects.select_for_update().first()
        if row is not None:
            audit.record(actor, "mail_server.forget", None, server=str(row))
            row.delete()


def test_mail_server(actor: Actor, *, to: str = "") -> tuple[str, mailing.Trial]:
    """Send a test mail to an address (the first recipient of notices, or the actor); who got it, and what came of it.

    Raises: Forbidden, NotReady (no server, nobody to send to), BadValue.
    """
    actor.require(Right.MANAGE_SERVER)
    by = transport() or environment_server()
    if by is None:
        raise NotReady(_("No mail server is configured by which people could be written to."))
    own = actor.user.email if actor.user is not None else ""
    to = _address(to, "to") if to else next(iter([*notice_recipients(), own]), "")
    if not to:
        raise NotReady(_("Name a recipient of notices first: the test mail goes to them."))
    language = (actor.user.language if actor.user is not None else "") or settings.LANGUAGE_CODE
    context = {"who": actor.label, "server": f"{by.host}:{by.port}"}
    trial = mailing.try_out(by, to, mailing.Letter.of_template("mails/test.txt", context, language=language))
    audit.record(actor, "mail_server.test", None, server=f"{by.host}:{by.port}", sent=trial.is_sent)
    return to, trial


def as_json(row: MailServer) -> dict[str, Any]:
    """The dataset, without the password."""
    found = {name: getattr(row, column) for name, column in NAMES.items() if column != "password"}
    return {**found, "hasPassword": bool(row.password)}


def from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a dataset. Raises: BadValue for names it doesn't have, and for values of another kind."""
    kinds: dict[str, tuple[type, ...]] = {
        "port": (int,), "ignoreSslPolicyErrors": (bool,), "authenticationRequired": (bool,),
        "recipientEmailAddresses": (list,),
    }  # fmt: skip
    found = {}
    for name, value in values.items():
        if name in _ONLY_TOLD or value is None:
            continue  # what GetSmtpSettings answers may be sent back as it is
        if name not in NAMES:
            raise BadValue(_("There is no setting %(name)s.") % {"name": name}, field=name)
        wanted = kinds.get(name, (str,))
        if not isinstance(value, wanted) or (wanted == (int,) and isinstance(value, bool)):
            raise BadValue(_("%(name)s has a value of another kind.") % {"name": name}, field=NAMES[name])
        found[NAMES[name]] = value
    return found


def environment_server() -> Server | None:
    """The environment's server, as a server like any other (its host must pass the gate then): for tests of it."""
    if not settings.EMAIL_HOST:
        return None
    security = (
        Security.TLS if settings.EMAIL_USE_SSL else Security.STARTTLS if settings.EMAIL_USE_TLS else Security.NONE
    )
    return Server(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        security=security,
        sender=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        username=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        is_open=True,
    )


def _server(row: MailServer) -> Server:
    return Server(
        host=row.hostname,
        port=row.port,
        security=_SECURITY[Protocol(row.protocol)],
        sender=row.from_address,
        sender_name=row.from_name,
        username=row.username if row.signs_in else "",
        password=row.password.reveal() if row.signs_in else "",
        trusts_all=row.trusts_all,
    )


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns but the password. Raises: BadValue."""
    signs_in = bool(values.get("signs_in"))
    protocol = str(values.get("protocol") or Protocol.STARTTLS)
    if protocol not in Protocol.values:
        known = ", ".join(Protocol.values)
        raise BadValue(_("The protocol is one of: %(known)s.") % {"known": known}, field="protocol")
    if signs_in and protocol == Protocol.PLAIN:
        text = _("A password never goes without encryption: choose a protocol that encrypts, or don't sign in.")
        raise BadValue(text, field="protocol")
    username = str(values.get("username") or "").strip()
    if signs_in and not username:
        raise BadValue(_("Name the user with whom to sign in."), field="username")
    return {
        "hostname": _host(str(values.get("hostname") or "")),
        "port": _port(values.get("port", 587)),
        "protocol": protocol,
        "trusts_all": bool(values.get("trusts_all")),
        "signs_in": signs_in,
        "username": _line(username, "username", 254),
        "from_name": _line(str(values.get("from_name") or ""), "from_name", 200),
        "from_address": _address(str(values.get("from_address") or ""), "from_address"),
        "recipients": _recipients(values.get("recipients") or []),
    }


def _require_password(row: MailServer | None, fields: Mapping[str, Any]) -> None:
    """A password that is kept goes to no other server than the one it was typed for. Raises: BadValue."""
    if not fields["signs_in"]:
        return
    if "password" in fields:
        if not fields["password"]:
            raise BadValue(_("A password is needed to sign in."), field="password")
        return
    if row is None or not row.password:
        raise BadValue(_("A password is needed to sign in."), field="password")
    same = ("hostname", "port", "username")
    if any(getattr(row, name) != fields[name] for name in same) or (fields["trusts_all"] and not row.trusts_all):
        text = _("Type the password again: it was given for another server, or for one whose certificate is checked.")
        raise BadValue(text, field="password")


def _host(text: str) -> str:
    try:
        return net.clean_host(text)
    except net.NetError as error:
        raise BadValue(_("This is not the name of a server."), field="hostname") from error


def _port(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value < 65536:
        raise BadValue(_("A port is a number from 1 to 65535."), field="port")
    return value


def _password(text: Any) -> str:
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or len(text) > 500:
        raise BadValue(_("A password of at most 500 letters, digits and signs of ASCII."), field="password")
    return text


def _line(text: str, field: str, most: int) -> str:
    if not text.isprintable() or len(text) > most:
        raise BadValue(_("One line of at most %(most)d characters.") % {"most": most}, field=field)
    return text.strip()


def _address(text: str, field: str) -> str:
    try:
        return str(parse_address(text))
    except BadAddress as error:
        raise BadValue(str(error) or _("This is not an e-mail address."), field=field) from error


def _recipients(found: Sequence[Any]) -> list[str]:
    if len(found) > MOST_RECIPIENTS:
        raise BadValue(_("At most %(number)d recipients.") % {"number": MOST_RECIPIENTS}, field="recipients")
    return list(dict.fromkeys(_address(str(each), "recipients") for each in found))
