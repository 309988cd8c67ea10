"""Secrets in the file: sealed under a passphrase, each bound to its place, so that none can be moved to another.

Source: RFC 7914 (scrypt), NIST SP 800-38D (AES-GCM).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from jobs.errors import BadValue

N, R, P = 1 << 15, 8, 1
LEAST, MOST = 12, 500
NONCE = 12


class Sealer:
    """Seals and opens with one passphrase. Raises: BadValue for one that is too short."""

    def __init__(self, passphrase: str, salt: bytes | None = None) -> None:
        if not LEAST <= len(passphrase) <= MOST:
            raise BadValue(_("A passphrase has at least %(least)d characters.") % {"least": LEAST}, field="passphrase")
        self.salt = salt or os.urandom(16)
        key = hashlib.scrypt(passphrase.encode(), salt=self.salt, n=N, r=R, p=P, maxmem=64 << 20, dklen=32)
        self._key = AESGCM(key)

    @classmethod
    def of(cls, passphrase: str, protection: Any) -> Sealer:
        """As a file says. Its numbers must be ours: others could be made to take hours. Raises: BadValue."""
        try:
            known = (protection["kdf"], protection["n"], protection["r"], protection["p"]) == ("scrypt", N, R, P)
            salt = base64.b64decode(protection["salt"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            known, salt = False, b""
        if not known or len(salt) != 16:
            raise BadValue(_("The file says nothing usable about how its secrets are sealed."), field="configuration")
        return cls(passphrase, salt)

    def protection(self) -> dict[str, Any]:
        return {"kdf": "scrypt", "n": N, "r": R, "p": P, "salt": base64.b64encode(self.salt).decode()}

    def seal(self, plain: str, place: str) -> str:
        nonce = os.urandom(NONCE)
        return base64.b64encode(nonce + self._key.encrypt(nonce, plain.encode(), place.encode())).decode()

    def open(self, sealed: str, place: str) -> str:
        """Raises: BadValue."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._key.decrypt(data[:NONCE], data[NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error, UnicodeDecodeError):
            text = _("The passphrase is wrong, or a secret in the file was changed.")
            raise BadValue(text, field="passphrase") from None
