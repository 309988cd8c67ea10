"""A security key in software, for tests: makes passkeys and answers questions as a browser with a device would.

It lies where it is told to: about the origin, the host, the count of uses and whether it asked for a finger.
Source: W3C Web Authentication Level 2 §5.8.1, §6.1, §6.5.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class SoftKey:
    """One key pair. verifies: whether it asks for a finger; count: of uses, 0 never counts."""

    origin: str = "http://localhost:8000"
    host: str = "localhost"
    verifies: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""

    def __post_init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    def make(self, question: str) -> str:
        """The answer to a question for a new passkey."""
        options = json.loads(question)
        self.handle = _bytes(options["user"]["id"])
        numbers = self.private.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(HAS_KEY) + attested}
        said = self._client("webauthn.create", options["challenge"])
        return self._credential(clientDataJSON=_text(said), attestationObject=_text(cbor2.dumps(statement)))

    def answer(self, question: str) -> str:
        """The answer to a question for a passkey that is there."""
        if self.count:
            self.count += 1
        said, data = self._client("webauthn.get", json.loads(question)["challenge"]), self._data()
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=_text(said),
            authenticatorData=_text(data),
            signature=_text(signature),
            userHandle=_text(self.handle),
        )

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, **response: Any) -> str:
        name = _text(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
