"""The certificates of the gateway: taken in, checked, read from files, and told of before they end.

A key is sealed and never answered. Files lie below POSTKEEP_CERTIFICATE_ROOTS (else HOME/certificates), after links
are followed, and are read again when they change. Not for what a handshake does with them (`gateway.smtp.tls`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import paths
from config.kit.sealed import SealedError
from config.kit.versions import change
from domains.certificates import read_certificate
from domains.errors import Invalid, Taken
from gateway.models import Certificate
from gateway.services import web_door
from gateway.smtp.tls import BadCertificate, make_context
from jobs import alerts

logger = logging.getLogger("postkeep.gateway")

LARGEST_BYTES, MOST_IN_CHAIN = 100_000, 10
SOON = timedelta(days=30)
EXPIRES, UNREADABLE = "gateway.certificate_expires", "gateway.certificate_unreadable"


@dataclass(frozen=True, slots=True)
class Pair:
    """A chain, its key, and what the certificate says."""

    chain: str
    key: str
    facts: dict[str, Any]


def register_alerts() -> None:
    alerts.register_kind(EXPIRES, gettext_lazy("The certificate “%(name)s” ends on %(date)s."))
    alerts.register_kind(UNREADABLE, gettext_lazy("The files of the certificate “%(name)s” can't be used: %(why)s"))


def roots() -> list[Path]:
    """Folders that certificates may be read from."""
    configured = [each for each in os.environ.get("POSTKEEP_CERTIFICATE_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.home() / "certificates"]


def save_certificate(
    actor: Actor, certificate: Certificate | None, values: Mapping[str, Any], *, expected: int | None = None
) -> Certificate:
    """Make one, or change one: name, is_default, is_web, and chain with private_key, or chain_path with key_path, or
    pkcs12 (bytes) with its password.

    A chain without a key keeps the key that is there. Raises: Forbidden, Invalid, Taken, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_GATEWAY)
    row = certificate or Certificate()
    is_default = bool(values.get("is_default", row.is_default))
    is_web = bool(values.get("is_web", row.is_web))
    if is_web or row.is_web:  # whoever changes its chain changes what the pages show
        actor.require(Right.MANAGE_SERVER)
    if is_web and not row.is_web:
        web_door.require_possible()
    checked = _checked(row, values)
    try:
        with transaction.atomic():
            if is_default:
                Certificate.objects.filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
            if is_web:
                Certificate.objects.filter(is_web=True).exclude(pk=row.pk).update(is_web=False)
            if certificate is None:
                row = Certificate.objects.create(is_default=is_default, is_web=is_web, **checked)
                audit.record(actor, "certificate.create", row, hosts=row.hosts)
            else:
                key = checked.pop("private_key")
                if key != row.private_key.reveal():
                    row.private_key = key
                    row.save(update_fields=["private_key"])
                shown = checked | {"is_default": is_default, "is_web": is_web}
                changes = change(row, shown, expected=expected)
                changes.pop("chain", None)
                audit.record(actor, "certificate.edit", row, changes=changes)
            transaction.on_commit(renew_web)
    except IntegrityError as error:
        raise Taken(_("There is a certificate of this name already."), field="name") from error
    look_after(row)
    return row


def delete_certificate(actor: Actor, certificate: Certificate) -> None:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_GATEWAY)
    if certificate.is_web:
        actor.require(Right.MANAGE_SERVER)
    source = _source(certificate)
    with transaction.atomic():
        audit.record(actor, "certificate.delete", certificate, hosts=certificate.hosts)
        certificate.delete()
        alerts.settle_alerts(source)
        transaction.on_commit(renew_web)


def _checked(row: Certificate, values: Mapping[str, Any]) -> dict[str, Any]:
    name = str(values.get("name", row.name)).strip()[:100]
    if not name:
        raise Invalid(_("Give it a name."), field="name")
    given = {field: str(values.get(field, getattr(row, field)) or "").strip() for field in ("chain_path", "key_path")}
    if values.get("pkcs12"):
        values = {**values, **_of_pkcs12(bytes(values["pkcs12"]), str(values.get("password") or ""))}
    chain, key = str(values.get("chain") or "").strip(), str(values.get("private_key") or "").strip()
    if given["chain_path"] and chain == row.chain.strip() and not key:
        chain = ""  # a form that shows what is kept, and now names files
    if chain and not key and row.private_key:
        key = row.private_key.reveal()
    if chain or key:
        given = {"chain_path": "", "key_path": ""}
    elif given["chain_path"] or given["key_path"]:
        chain, key = _from_files(given["chain_path"], given["key_path"] or given["chain_path"])
    else:
        chain, key = row.chain, row.private_key.reveal() if row.private_key else ""
    pair = read_pair(chain, key)
    is_file = bool(given["chain_path"])
    kept = {"chain": "" if is_file else pair.chain, "private_key": "" if is_file else pair.key}
    return {"name": name, "problem": "", **given, **kept, **pair.facts}


def read_pair(chain: str, key: str) -> Pair:
    """Check that they belong together and can be used. Raises: Invalid (fields `chain`, `private_key`)."""
    if max(len(chain), len(key)) > LARGEST_BYTES:
        raise Invalid(_("That is too much for a certificate."), field="chain")
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        text = _("No certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----.")
        raise Invalid(text, field="chain") from None
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except TypeError:
        raise Invalid(_("The key is locked with a password; give it without."), field="private_key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid(_("No private key in PEM form."), field="private_key") from None
    certificates = _ordered(certificates, private)
    chain = "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates).strip()
    try:
        make_context(f"{key}\n{chain}\n".encode())
    except BadCertificate as error:
        raise Invalid(_("It can't be used: %(why)s") % {"why": str(error)[:200]}, field="chain") from None
    return Pair(chain, key, _facts(certificates[0]))


def _ordered(found: list[x509.Certificate], private: PrivateKeyTypes) -> list[x509.Certificate]:
    """The key's certificate first, each of the others behind the one that it vouches for. Raises: Invalid."""
    if len(found) > MOST_IN_CHAIN:
        text = _("At most %(number)d certificates in a chain.") % {"number": MOST_IN_CHAIN}
        raise Invalid(text, field="chain")
    own = [each for each in found if _public(each.public_key()) == _public(private.public_key())]
    if not own:
        raise Invalid(_("The key doesn't belong to any certificate of the chain."), field="private_key")
    left = [each for each in dict.fromkeys(found) if each != own[0]]
    chain = own[:1]
    while left:
        following = next((each for each in left if _vouches(each, chain[-1])), None)
        if following is None:
            text = _("“%(name)s” doesn't belong to the chain: it vouches for none of the others.")
            name = left[0].subject.rfc4514_string()[:200]
            raise Invalid(text % {"name": name}, field="chain")
        chain.append(following)
        left.remove(following)
    return chain


def _public(key: Any) -> bytes:
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(*form))


def _vouches(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _of_pkcs12(data: bytes, password: str) -> dict[str, str]:
    """Chain and key of such a file. Raises: Invalid."""
    if len(data) > LARGEST_BYTES:
        raise Invalid(_("That is too much for a certificate."), field="pkcs12")
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        text = _("The file can't be opened: it is no PKCS#12, or the password is another.")
        raise Invalid(text, field="pkcs12") from None
    if key is None or own is None:
        raise Invalid(_("The file holds no certificate with its key."), field="pkcs12")
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = b"".join(each.public_bytes(pem) for each in [own, *others])
    return {"chain": chain.decode(), "private_key": private.decode()}


def exposed_key(row: Certificate) -> bool:
    """Whether others on this machine can read the file of its key."""
    path = row.key_path or row.chain_path
    try:
        return bool(path) and bool(Path(path).stat().st_mode & 0o007)
    except OSError:
        return False


def renew_web() -> None:
    """The pages show what is chosen for them."""
    web_door.renew(_pem_of)


def _facts(certificate: x509.Certificate) -> dict[str, Any]:
    found = read_certificate(certificate.public_bytes(serialization.Encoding.DER))
    if found is None:
        raise Invalid(_("The certificate can't be read."), field="chain")
    hosts = [name.lower() for name in found.names] or [found.subject.lower()]
    return {
        "hosts": hosts,
        "issuer": found.issuer[:300],
        "fingerprint": found.sha256,
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
    }


def _from_files(chain_path: str, key_path: str) -> tuple[str, str]:
    return _read_file(chain_path, "chain_path"), _read_file(key_path, "key_path")


def _read_file(text: str, field: str) -> str:
    """Raises: Invalid for a file outside the roots, or one that can't be read."""
    try:
        path = Path(text).resolve(strict=True)
        allowed = [root.resolve() for root in roots()]
        if not any(path.is_relative_to(root) for root in allowed) or not path.is_file():
            raise Invalid(_("Certificates are read from below %(roots)s only.") % {"roots": _roots_text()}, field=field)
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid(_("That is too much for a certificate."), field=field)
        return path.read_text(encoding="ascii")
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, Invalid):
            raise
        raise Invalid(_("The file can't be read."), field=field) from None


def _roots_text() -> str:
    return ", ".join(str(root) for root in roots())


# --- for the processes that show them -------------------------------------------------------------------------------


def pairs_in_use() -> tuple[dict[str, bytes], bytes | None]:
    """PEM (key, chain) by host name, and the default's. One that can't be read is left out, and told of in the log."""
    by_host: dict[str, bytes] = {}
    default: bytes | None = None
    for row in Certificate.objects.order_by("not_after"):  # where two have a name, the one that lasts longer
        try:
            pem = _pem_of(row)
        except (Invalid, SealedError) as error:
            logger.warning("the certificate %s can't be used: %s", row.name, error)
            continue
        by_host |= dict.fromkeys(row.hosts, pem)
        if row.is_default:
            default = pem
    return by_host, default


def _pem_of(row: Certificate) -> bytes:
    chain, key = _from_files(row.chain_path, row.key_path or row.chain_path) if row.chain_path else (row.chain, "")
    pair = read_pair(chain, key or row.private_key.reveal())
    return f"{pair.key}\n{pair.chain}\n".encode()


# --- looked after by the clock --------------------------------------------------------------------------------------


def look_after_all() -> None:
    """Read files again, and tell of certificates that end soon."""
    for row in Certificate.objects.all():
        look_after(row)
    renew_web()


def look_after(row: Certificate) -> None:
    if row.chain_path:
        _read_again(row)
    source = _source(row)
    if row.problem:
        _tell(row, UNREADABLE, {"name": row.name, "why": row.problem}, "warning")
    elif row.not_after is not None and row.not_after - timezone.now() < SOON:
        severity = "error" if row.not_after <= timezone.now() else "warning"
        _tell(row, EXPIRES, {"name": row.name, "date": row.not_after.date().isoformat()}, severity)
    else:
        alerts.settle_alerts(source)


def _read_again(row: Certificate) -> None:
    try:
        values: dict[str, Any] = read_pair(*_from_files(row.chain_path, row.key_path or row.chain_path)).facts
        values["problem"] = ""
    except Invalid as error:
        values = {"problem": str(error)[:300]}
    if any(getattr(row, name) != value for name, value in values.items()):
        Certificate.objects.filter(pk=row.pk).update(**values)  # no change of a person's: the version stays
        for name, value in values.items():
            setattr(row, name, value)


def _tell(row: Certificate, kind: str, params: dict[str, object], severity: str) -> None:
    alerts.post_alert(Actor.system(), kind=kind, params=params, severity=severity, source=_source(row))


def _source(row: Certificate) -> str:
    return f"{EXPIRES}:{row.pk}"
