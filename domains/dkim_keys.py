"""DKIM keys: made, read from what a person pastes, and written as the record that goes into DNS.

Not for keeping them (the private half is sealed by whoever stores it) and not for signing.

Source: RFC 6376 §3.1 (selectors), §3.2 (tag lists), §3.6.1 (records); RFC 8301 §3.2 (sizes); RFC 8463 (Ed25519);
RFC 1035 §3.3 (strings of 255 bytes).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from django.utils.translation import gettext as _

from domains.errors import DomainsError, Invalid

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey
SMALLEST_BITS, GOOD_BITS, LARGEST_BITS = 1024, 2048, 16_384  # verifiers ignore less than the first (RFC 8301 §3.2)
LONGEST_TEXT = 64 * 1024
STRING_BYTES = 255
ED25519_BYTES = 32


class KeyKind(StrEnum):
    """What can be generated."""

    RSA_2048 = "rsa2048"
    RSA_4096 = "rsa4096"
    ED25519 = "ed25519"


class BadKey(Invalid):
    """Not a private key for DKIM; the text says why, for the person who pasted it."""


class BadSelector(Invalid):
    """Not a selector; the text says why."""


class BadRecord(DomainsError, ValueError):
    """Not a DKIM key record (in English, for the lines of a diagnosis)."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key and what is told of it; `repr` shows nothing of the private half."""

    private: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """As in the record's k= tag: rsa or ed25519."""
        return algorithm_of(self.private.public_key())

    @property
    def bits(self) -> int:
        return bits_of(self.private.public_key())

    @property
    def public_text(self) -> str:
        """The record's p= tag: base64 of SubjectPublicKeyInfo for RSA, of the bare 32 bytes for Ed25519."""
        return _public_text(self.private.public_key())

    @property
    def record(self) -> str:
        """The text of the TXT record at SELECTOR._domainkey.DOMAIN."""
        return f"v=DKIM1; k={self.algorithm}; p={self.public_text}"

    def private_pem(self) -> str:
        """The private half as PKCS #8, unencrypted: seal it."""
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.private.private_bytes(*pem).decode()


def generate(kind: KeyKind) -> DkimKey:
    """A new key. RSA of 4096 bits takes a second or so of processor time."""
    if kind is KeyKind.ED25519:
        return DkimKey(Ed25519PrivateKey.generate())
    return DkimKey(generate_private_key(public_exponent=65537, key_size=4096 if kind is KeyKind.RSA_4096 else 2048))


def parse_private_key(text: str) -> DkimKey:
    """The key somebody pasted: PEM (PKCS #1 or #8), or the same without its first and last line, or an Ed25519 seed.

    Raises: BadKey.
    """
    if len(text) > LONGEST_TEXT:
        raise BadKey(_("This is too long to be a private key."))
    text = text.strip()
    if "PUBLIC KEY" in text:
        raise BadKey(_("This is a public key; the private one is needed."))
    if "ENCRYPTED" in text:
        raise BadKey(_("The key is protected by a password; take the protection off first."))
    return DkimKey(_checked(_from_pem(text) if text.startswith("-----") else _from_base64(text)))


def _from_pem(text: str) -> object:
    try:
        # Some pages lose the line ends; PEM needs them.
        head, body, tail = _PEM.fullmatch(text).groups()  # type: ignore[union-attr]
        lines = "\n".join(re.findall(".{1,64}", "".join(body.split())))
        return serialization.load_pem_private_key(f"{head}\n{lines}\n{tail}\n".encode(), password=None)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
        raise BadKey(_("The private key can't be read: it is damaged or incomplete.")) from error


_PEM = re.compile(r"(-----BEGIN [A-Z0-9 ]+-----)(.*)(-----END [A-Z0-9 ]+-----)", re.DOTALL)


def _from_base64(text: str) -> object:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        if len(data) == ED25519_BYTES:
            return Ed25519PrivateKey.from_private_bytes(data)
        return serialization.load_der_private_key(data, password=None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise BadKey(_("This is not a private key in PEM or base64.")) from error


def _checked(key: object) -> PrivateKey:
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise BadKey(_("DKIM knows RSA and Ed25519 keys only."))
    if isinstance(key, RSAPrivateKey) and not SMALLEST_BITS <= key.key_size <= LARGEST_BITS:
        limits = {"smallest": SMALLEST_BITS, "largest": LARGEST_BITS, "bits": key.key_size}
        text = _("An RSA key for DKIM has %(smallest)d to %(largest)d bits; this one has %(bits)d.")
        raise BadKey(text % limits)
    return key


def clean_selector(text: str) -> str:
    """A selector in lower case: labels of letters, digits and inner hyphens, with dots between. Raises: BadSelector."""
    selector = text.strip().lower()
    if len(selector) > 100 or not all(_LABEL.fullmatch(label) for label in selector.split(".")):
        text = _("A selector has letters, digits, hyphens and dots, and at most 100 characters; “s2026” is one.")
        raise BadSelector(text)
    return selector


_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def record_name(selector: str, domain: str) -> str:
    """Where the record goes. Raises: BadSelector when that name would be longer than DNS allows."""
    name = f"{selector}._domainkey.{domain}"
    if len(name) > 253:
        raise BadSelector(_("With this domain the selector is too long for DNS."))
    return name


# --- records -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A published key. `public` is None when the key was revoked (an empty p=)."""

    public: PublicKey | None
    algorithm: str
    flags: frozenset[str]
    hashes: frozenset[str]  # empty: all

    @property
    def is_testing(self) -> bool:
        return "y" in self.flags


def parse_record(text: str) -> KeyRecord:
    """What a TXT record says (its strings joined). Raises: BadRecord."""
    tags = parse_tags(text)
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        raise BadRecord("the tag v= must come first and be DKIM1")
    if "p" not in tags:
        raise BadRecord("there is no tag p=")
    services = _words(tags.get("s", "*"))
    if not services & {"*", "email"}:
        raise BadRecord(f"the key is not for mail: s={tags['s']}")
    algorithm = tags.get("k", "rsa").lower()
    public = _read_public(algorithm, "".join(tags["p"].split()))
    return KeyRecord(public, algorithm, _words(tags.get("t", "")), _words(tags.get("h", "")))


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in text.split(":") if word.strip())


def parse_tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376 §3.2; DMARC's is the same), in its order. Raises: BadRecord."""
    tags: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _TAG.fullmatch(name):
            raise BadRecord(f"not a tag: {part.strip()[:80]!r}")
        if name in tags:
            raise BadRecord(f"the tag {name}= stands there twice")
        tags[name] = value.strip()
    return tags


_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _read_public(algorithm: str, text: str) -> PublicKey | None:
    if not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
        if algorithm == "ed25519":
            return Ed25519PublicKey.from_public_bytes(data)
        if algorithm != "rsa":
            raise BadRecord(f"unknown kind of key: k={algorithm}")
        key = serialization.load_der_public_key(data)  # reads both forms that are in use, RFC 6376 erratum 3017
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        if isinstance(error, BadRecord):
            raise
        raise BadRecord("the key in p= can't be read") from error
    if not isinstance(key, RSAPublicKey):
        raise BadRecord("the key in p= is of another kind than k= says")
    return key


def is_same_key(record: KeyRecord, key: DkimKey | PublicKey) -> bool:
    """Whether a published record belongs to a key of ours, in whatever form it was written."""
    ours = key.private.public_key() if isinstance(key, DkimKey) else key
    return record.public is not None and _public_text(record.public) == _public_text(ours)


def algorithm_of(key: PublicKey) -> str:
    """rsa or ed25519."""
    return "rsa" if isinstance(key, RSAPublicKey) else "ed25519"


def bits_of(key: PublicKey) -> int:
    return key.key_size if isinstance(key, RSAPublicKey) else 256


def _public_text(key: PublicKey) -> str:
    if isinstance(key, Ed25519PublicKey):
        return base64.b64encode(key.public_bytes_raw()).decode()
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_bytes(*form)).decode()


def split_strings(text: str) -> list[str]:
    """A record's text (ASCII) in the strings of at most 255 bytes that a TXT record holds; readers join them again."""
    return [text[at : at + STRING_BYTES] for at in range(0, len(text), STRING_BYTES)]


def zone_line(name: str, text: str) -> str:
    """The record as one line of a zone file (RFC 1035 §5.1)."""
    escaped = (string.replace("\\", "\\\\").replace('"', '\\"') for string in split_strings(text))
    return f"{name}. IN TXT ( " + " ".join(f'"{string}"' for string in escaped) + " )"
