"""Relays ("platforms") of a domain: where its mail goes, and trying it.

Passwords and client secrets are written and never answered: leaving one out keeps it, an empty text removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import net
from config.kit.versions import change
from domains.errors import InUse, Invalid
from domains.models import Domain, Mailbox, Relay

SECRET_AUTH = ("bind_password", "clientSecret")
SECRET_API = ("password", "clientSecret")
AUTH_FIELDS = (
    "host", "port", "bind_user", "use_ssl", "base_dn", "mail_attribute", "cert_pem", "username_format", "issuerUri",
    "clientId", "nameAttr", "scope", "tenantId",
)  # fmt: skip
API_FIELDS = ("host", "login", "testAccount", "port", "useSsl", "clientId", "tenantId")
_PLAIN = (
    "name", "transport_dest", "transport_type", "transport_port", "fallback_dest", "fallback_type", "fallback_port",
    "username", "auth_type", "api_type",
)  # fmt: skip
MOST_RELAYS = 100


def create_relay(actor: Actor, domain: Domain, values: Mapping[str, Any]) -> Relay:
    """A new relay: name, transport_dest, transport_type, transport_port are needed, the rest may follow.

    The first of a domain is its default. Raises: Forbidden, Invalid.
    """
    actor.require(Right.MANAGE_RELAYS, domain)
    for needed in ("name", "transport_dest", "transport_type", "transport_port"):
        if not values.get(needed):
            raise Invalid(_("This is needed."), field=needed)
    with transaction.atomic():
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
        if domain.relays.count() >= MOST_RELAYS:
            raise Invalid(_("A domain has at most %(most)d relays.") % {"most": MOST_RELAYS})
        relay = Relay(domain=domain)
        fields = _clean(relay, values)
        for name, value in fields.items():
            setattr(relay, name, value)
        wants_default = bool(values.get("is_default")) or not domain.relays.exists()
        relay.save()
        audit.record(
            actor, "relay.create", relay, within=domain, server=f"{relay.transport_dest}:{relay.transport_port}"
        )
        if wants_default:
            _make_default(relay)
    return relay


def update_relay(actor: Actor, relay: Relay, values: Mapping[str, Any], *, expected: int | None = None) -> Relay:
    """Change some values; secrets that aren't named stay. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_RELAYS, relay)
    with transaction.atomic():
        fields = _clean(relay, values)
        _keep_secrets_where_they_are(relay, values, fields)
        changes = change(relay, fields, expected=expected)
        if changes:
            audit.record(actor, "relay.update", relay, changes=_without_secrets(changes))
        if values.get("is_default") and not relay.is_default:
            _make_default(relay)
            audit.record(actor, "relay.make_default", relay)
        elif values.get("is_default") is False and relay.is_default:
            raise Invalid(_("Make another relay the default instead."), field="is_default")
    return relay


def delete_relay(actor: Actor, relay: Relay) -> None:
    """Forget a relay. Raises: Forbidden, InUse (the default beside others, or mailboxes have it)."""
    actor.require(Right.MANAGE_RELAYS, relay)
    with transaction.atomic():
        used = relay.mailboxes.count()
        if used:
            raise InUse(_("%(count)d mailboxes have this relay. Give them another first.") % {"count": used})
        if relay.is_default and relay.domain.relays.count() > 1:
            raise InUse(_("This is the default relay. Make another the default first."))
        audit.record(actor, "relay.delete", relay)
        relay.delete()


def set_mailbox_relay(actor: Actor, mailbox: Mailbox, relay: Relay | None, *, expected: int | None = None) -> Mailbox:
    """Another relay for one mailbox, or (None) the domain's. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_RELAYS, mailbox)
    if relay is not None and relay.domain_id != mailbox.domain_id:
        raise Invalid(_("This is no relay of the mailbox's domain."), field="relay")
    with transaction.atomic():
        changes = change(mailbox, {"relay_id": None if relay is None else relay.pk}, expected=expected)
        if changes:
            audit.record(actor, "mailbox.set_relay", mailbox, changes=changes)
    return mailbox


def check_values(domain: Domain, values: Mapping[str, Any]) -> Relay:
    """A relay of these values that isn't saved, to try it. Raises: Invalid."""
    relay = Relay(domain=domain, name="-")
    for name, value in _clean(relay, values).items():
        setattr(relay, name, value)
    if not relay.transport_dest:
        raise Invalid(_("This is needed."), field="transport_dest")
    return relay


def _make_default(relay: Relay) -> None:
    for other in (
        Relay.objects.select_for_update().filter(domain_id=relay.domain_id, is_default=True).exclude(pk=relay.pk)
    ):
        change(other, {"is_default": False})
    change(relay, {"is_default": True})


def _clean(relay: Relay, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to write, checked. Raises: Invalid naming the field."""
    fields: dict[str, Any] = {name: values[name] for name in _PLAIN if name in values}
    for name in ("fallback_dest", "fallback_type", "username", "api_type"):
        if name in fields:
            fields[name] = fields[name] or ""
    if "name" in fields and not str(fields["name"] or "").strip():
        raise Invalid(_("A relay needs a name."), field="name")
    for name in ("transport_dest", "fallback_dest"):
        if fields.get(name):
            fields[name] = _host(fields[name], name)
    _choice(fields, "transport_type", Relay.Transport.values)
    _choice(fields, "fallback_type", [*Relay.Transport.values, ""])
    _choice(fields, "auth_type", Relay.Auth.values)
    _choice(fields, "api_type", [*Relay.Api.values, ""])
    for name in ("transport_port", "fallback_port"):
        port = fields.get(name)
        if port is not None and not 1 <= int(port) <= 65535:
            raise Invalid(_("A port is a number from 1 to 65535."), field=name)
    if "password" in values and values["password"] is not None:
        fields["password"] = values["password"]
    if "auth_data" in values:
        fields |= _settings(values["auth_data"], "auth", AUTH_FIELDS, SECRET_AUTH, relay.auth_secret)
    if "api_data" in values:
        fields |= _settings(values["api_data"], "api", API_FIELDS, SECRET_API, relay.api_secret)
    return fields


def _settings(
    given: Mapping[str, Any] | None, stem: str, known: tuple[str, ...], secret: tuple[str, ...], kept: Any
) -> dict[str, Any]:
    """The open part of a settings object, and its secrets as one sealed JSON text."""
    given = dict(given or {})
    for name, value in given.items():
        if name not in (*known, *secret):
            raise Invalid(_("There is no setting of this name."), field=f"{stem}_data.{name}")
        if value is not None and not isinstance(value, str | int | bool):
            raise Invalid(_("A text, a number, or yes or no."), field=f"{stem}_data.{name}")
    if given.get("host"):
        given["host"] = _host(str(given["host"]), f"{stem}_data.host")
    secrets = json.loads(kept.reveal()) if kept else {}
    for name in secret:
        if name in given and given[name] is not None:
            secrets[name] = given[name]
    secrets = {name: value for name, value in secrets.items() if value != ""}
    return {
        f"{stem}_data": {name: given[name] for name in known if given.get(name) is not None},
        f"{stem}_secret": json.dumps(secrets) if secrets else "",
    }


def _host(text: str, field: str) -> str:
    try:
        return net.clean_host(text)
    except net.NetError as error:
        raise Invalid(_("This is neither a host name nor an address."), field=field) from error


def _choice(fields: dict[str, Any], name: str, allowed: list[str]) -> None:
    if name in fields and fields[name] not in allowed:
        raise Invalid(_("One of: %(allowed)s.") % {"allowed": ", ".join(filter(None, allowed))}, field=name)


def _servers(relay: Relay, fields: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The servers that the relay signs in at, with these values instead of its own."""
    main, second = (
        [fields.get(f"{stem}_{part}", getattr(relay, f"{stem}_{part}")) for part in ("dest", "port")]
        for stem in ("transport", "fallback")
    )
    return {(dest, port or 25) for dest, port in (main, second) if dest}


def _keep_secrets_where_they_are(relay: Relay, values: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """A kept password never goes to another server than the one it was given for: who changes the server names it anew.

    Else whoever may edit a relay could have the secret they may not read sent to themselves. Raises: Invalid.
    """
    text = _("The server changed: give its password again, or empty to remove it.")
    moved = not _servers(relay, fields) <= _servers(relay, {})
    if moved and relay.password and values.get("password") is None:
        raise Invalid(text, field="password")
    for stem, secret in (("auth", SECRET_AUTH), ("api", SECRET_API)):
        given, kept = values.get(f"{stem}_data"), getattr(relay, f"{stem}_data")
        if given is None or not getattr(relay, f"{stem}_secret"):
            continue
        moved = any(given.get(name, kept.get(name)) != kept.get(name) for name in ("host", "issuerUri", "port"))
        if moved and all(given.get(name) is None for name in secret):
            raise Invalid(text, field=f"{stem}_data.{secret[0]}")


def _without_secrets(changes: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    hidden = ("password", "auth_secret", "api_secret")
    return {name: ("••••••", "••••••") if name in hidden else pair for name, pair in changes.items()}
