"""The keys that sign for a domain, opened once in a process and forgotten when the directory changes.

Not for making, publishing or retiring keys (`domains.services.dkim`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from config.kit.sealed import SealedError
from domains.models import DkimKey, DomainName, Status
from gateway.directory import Remembered
from gateway.outgoing.signing import SigningKey

REMEMBERED = 5_000
OPENED = 1_000
log = logging.getLogger("postkeep.gateway")


@dataclass(frozen=True, slots=True)
class Signer:
    """A name that signs, whose it is, and its keys (none: nobody has put one to work)."""

    name: str
    domain_id: int
    keys: tuple[SigningKey, ...]


_NOBODY = Signer("", 0, ())
_signers: Remembered[str, Signer] = Remembered(REMEMBERED)


def signer_for(name: str) -> Signer | None:
    """Of a domain's own or alias name, in lower case and ASCII; None: not ours. Raises: DatabaseError."""
    found = _signers.ask(name, lambda: _read(name))
    return None if found is _NOBODY else found


def signer_above(host: str) -> Signer | None:
    """The nearest name with keys that a host of ours lies under, itself included (RFC 6376 §3.10)."""
    labels = host.lower().split(".")
    for start in range(max(len(labels) - 1, 0)):
        found = signer_for(".".join(labels[start:]))
        if found is not None and found.keys:
            return found
    return None


def _read(name: str) -> Signer:
    domain_id = (
        DomainName.objects.filter(name=name)
        .exclude(domain__status=Status.PURGED)
        .values_list("domain_id", flat=True)
        .first()
    )
    if domain_id is None:
        return _NOBODY
    rows = DkimKey.objects.filter(domain_id=domain_id, state=DkimKey.State.ACTIVE).order_by("pk")
    return Signer(name, domain_id, tuple(key for row in rows if (key := _opened(row)) is not None))


def _opened(row: DkimKey) -> SigningKey | None:
    """None, and a line in the log, where the key can't be opened: mail leaves without its signature."""
    try:
        return _open(row.selector, row.private_key.reveal())
    except (SealedError, ValueError, TypeError) as error:
        log.error("the DKIM key %s can't be opened: %s", row, error)
        return None


@lru_cache(maxsize=OPENED)
def _open(selector: str, pem: str) -> SigningKey:
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if isinstance(private, RSAPrivateKey):
        return SigningKey(selector, "rsa", private)
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey(selector, "ed25519", private)
    raise ValueError("neither RSA nor Ed25519")
