"""Authorities of one's own: adding, removing, and handing them to whoever makes connections (`config.kit.trust`).

What such an authority signs is believed by relays' checks and deliveries, profiles, pulls, own mails, time stamps,
directories and webhooks. Only for who may change the server: whoever adds one could stand between us and the others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, proving
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import clock, trust
from jobs import alerts
from jobs.configuration.parts import Objects, Part, Values
from jobs.configuration.parts import register as register_part
from jobs.errors import BadValue
from jobs.models import TrustedAuthority

MOST, LARGEST = 50, 100_000
SOON = timedelta(days=30)
EXPIRES = "authority.expires"


def register() -> None:
    trust.register(added)
    clock.register_chore(3_600.0, "look after own authorities", look_after)
    alerts.register_kind(EXPIRES, gettext_lazy("The trusted authority “%(name)s” ends on %(date)s."))
    register_part(Part("authorities", gettext_lazy("Trusted authorities"), 5, _read, _save, _remove))


def added() -> str:
    """All of them as one PEM text."""
    return "\n".join(TrustedAuthority.objects.values_list("pem", flat=True))


def list_authorities(actor: Actor) -> QuerySet[TrustedAuthority]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return TrustedAuthority.objects.all()


def get_authority(actor: Actor, authority_id: int) -> TrustedAuthority:
    """Raises: Http404, also for who may not see any."""
    found = TrustedAuthority.objects.filter(pk=authority_id).first() if actor.has(Right.MANAGE_SERVER) else None
    if found is None:
        raise Http404("no such authority")
    return found


def add_authority(actor: Actor, *, name: str, pem: str) -> TrustedAuthority:
    """Trust an authority from now on. Raises: Forbidden, ProofNeeded, BadValue."""
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    proving.require_recent(actor)
    certificate = read_authority(pem)
    label = name.strip()[:100] or _subject(certificate)[:100]
    if TrustedAuthority.objects.count() >= MOST:
        raise BadValue(_("At most %(number)d authorities.") % {"number": MOST}, field="pem")
    try:
        with transaction.atomic():
            row = TrustedAuthority.objects.create(
                name=label,
                pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
                subject=_subject(certificate),
                fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
                not_after=certificate.not_valid_after_utc,
                added_by=actor.label[:300],
            )
            audit.record(actor, "authority.add", row, fingerprint=row.fingerprint)
    except IntegrityError:
        raise BadValue(_("It is there already, or another has this name."), field="name") from None
    trust.forget()
    return row


def remove_authority(actor: Actor, row: TrustedAuthority) -> None:
    """Don't trust it any more. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    with transaction.atomic():
        audit.record(actor, "authority.remove", row, fingerprint=row.fingerprint)
        alerts.settle_alerts(_source(row))
        row.delete()
    trust.forget()


def replace_authorities(actor: Actor, pems: list[str]) -> None:
    """Trust these and no others of one's own; those that are there already keep their names.

    For clients that say the whole list. A name that is taken gets the certificate's fingerprint after it.
    Raises: Forbidden, BadValue.
    """
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    wanted = {read_authority(pem).fingerprint(hashes.SHA256()).hex(): pem for pem in pems}
    with transaction.atomic():
        present = {row.fingerprint: row for row in TrustedAuthority.objects.select_for_update()}
        for fingerprint in sorted(set(present) - set(wanted)):
            remove_authority(actor, present[fingerprint])
        for fingerprint in sorted(set(wanted) - set(present)):
            name = _subject(read_authority(wanted[fingerprint]))[:100]
            if TrustedAuthority.objects.filter(name=name).exists():
                name = f"{name[:80]} {fingerprint[:16]}"
            add_authority(actor, name=name, pem=wanted[fingerprint])


def read_authority(pem: str) -> x509.Certificate:
    """One certificate of an authority that counts now. Raises: BadValue."""
    try:
        if len(pem) > LARGEST:
            raise ValueError
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except ValueError:
        text = _("No certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----.")
        raise BadValue(text, field="pem") from None
    if len(found) != 1:
        raise BadValue(_("One certificate at a time: that of the authority."), field="pem")
    try:
        is_authority = found[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        is_authority = False
    if not is_authority:
        raise BadValue(_("This certificate is not one of an authority."), field="pem")
    if found[0].not_valid_after_utc <= datetime.now(UTC):
        raise BadValue(_("This certificate has ended."), field="pem")
    return found[0]


def look_after() -> None:
    """Tell of those that end soon."""
    now = datetime.now(UTC)
    for row in TrustedAuthority.objects.all():
        if row.not_after - now < SOON:
            severity = "error" if row.not_after <= now else "warning"
            params: dict[str, object] = {"name": row.name, "date": row.not_after.date().isoformat()}
            alerts.post_alert(Actor.system(), kind=EXPIRES, params=params, severity=severity, source=_source(row))


def as_json(row: TrustedAuthority) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "subject": row.subject,
        "sha256": row.fingerprint,
        "not_after": row.not_after,
        "pem": row.pem,
    }


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:300] or certificate.fingerprint(hashes.SHA256()).hex()


def _source(row: TrustedAuthority) -> str:
    return f"{EXPIRES}:{row.pk}"


# --- in the configuration file ---------------------------------------------------------------------------------------


def _read() -> Objects:
    return {row.name: {"pem": row.pem} for row in TrustedAuthority.objects.all()}


def _save(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    if present is not None:
        _remove(actor, key)
    add_authority(actor, name=key, pem=str(values["pem"]))


def _remove(actor: Actor, key: str) -> None:
    remove_authority(actor, TrustedAuthority.objects.get(name=key))
