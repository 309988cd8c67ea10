"""Addresses and domains in the form in which rules compare them: lower case, NFC, the domain as ASCII (A-labels).

What a person typed is read strictly and refused with a sentence, exactly as `accounts.addresses` does (a test holds
them together; that module speaks through Django's translations, this one can't). What stands in a message may be
anything and is folded as far as it goes, without errors.

Source: RFC 5321 §4.1.2 and §4.5.3.1, RFC 6531.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from domains.errors import DomainsError
from domains.policy.sentences import Sentence, gettext_noop, sentence

LOCAL_MAX_BYTES = 64
ADDRESS_MAX_BYTES = 254
DOMAIN_MAX_BYTES = 253
FOUND_MAX_LENGTH = 1000

_ATOM_ASCII = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DEVIATIONS = frozenset("ßẞς\u200c\u200d")
_LETTERS = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
_NOT_A_DOMAIN = gettext_noop("“%(domain)s” is not a domain name.")


class BadForm(DomainsError, ValueError):
    """Not an address or domain that a rule can hold; `reason` says why."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """An address in comparable form; both parts may be empty when it was found in a message."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.local or self.domain else ""


def parse_address(text: str) -> Address:
    """Read an address somebody typed. Raises: BadForm."""
    text = text.strip()
    if text.startswith('"'):
        raise BadForm(Sentence(gettext_noop("Addresses with a quoted part before the @ aren't supported.")))
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise BadForm(Sentence(gettext_noop("An e-mail address has the form name@example.org.")))
    address = Address(_canonical_local(local), canonical_domain(domain))
    if len(str(address).encode()) > ADDRESS_MAX_BYTES:
        raise BadForm(Sentence(gettext_noop("The address is longer than 254 bytes.")))
    return address


def canonical_domain(text: str) -> str:
    """A domain name as ASCII in lower case. Raises: BadForm."""
    text = unicodedata.normalize("NFC", text.strip())
    if _DEVIATIONS & set(text):
        reason = gettext_noop("Write this domain in its ASCII form (xn--…): a letter in it means different domains.")
        raise BadForm(Sentence(reason))
    try:
        # Longer texts can't become a name, and the codec is slow on them.
        domain = text.encode("idna").decode("ascii").lower() if len(text) <= FOUND_MAX_LENGTH else ""
    except UnicodeError as error:
        raise BadForm(sentence(_NOT_A_DOMAIN, domain=text[:100])) from error
    if len(domain) > DOMAIN_MAX_BYTES or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise BadForm(sentence(_NOT_A_DOMAIN, domain=text[:100]))
    return domain


def _canonical_local(text: str) -> str:
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    if local.startswith(".") or local.endswith(".") or ".." in local:
        reason = gettext_noop("The part before the @ can't begin or end with a dot, nor have two in a row.")
        raise BadForm(Sentence(reason))
    if not all(_is_atom(character) for character in local):
        raise BadForm(Sentence(gettext_noop("The part before the @ has a character that isn't allowed there.")))
    if len(local.encode()) > LOCAL_MAX_BYTES:
        raise BadForm(Sentence(gettext_noop("The part before the @ is longer than 64 bytes.")))
    return local


def _is_atom(character: str) -> bool:
    return character in _ATOM_ASCII or (character > "\x7f" and unicodedata.category(character) in _LETTERS)


def fold_address(text: str) -> Address:
    """An address found in a message, in the form of `parse_address` where it has one. Never raises."""
    text = text.strip().removeprefix("<").removesuffix(">").strip()
    local, at, domain = text.rpartition("@")
    if not at:
        return Address(_fold(text), "")
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return Address(_fold(local), fold_domain(domain))


def fold_domain(text: str) -> str:
    """A host name found in a message, in the form of `canonical_domain` where it has one. Never raises."""
    text = text.strip().removesuffix(".")
    return _kept_domain(text) if len(text) <= DOMAIN_MAX_BYTES else _folded_domain(text)


def _folded_domain(text: str) -> str:
    try:
        return canonical_domain(text)
    except BadForm:
        return _fold(text)


_kept_domain = lru_cache(4_096)(_folded_domain)  # the same few stand in every message, several times


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text[:FOUND_MAX_LENGTH]).lower())


def parents(domain: str) -> list[str]:
    """The domain and those it is below, nearest first: a.b.c, b.c, c."""
    labels = domain.split(".")[-128:]
    return [".".join(labels[start:]) for start in range(len(labels))] if domain else []


def is_within(domain: str, other: str) -> bool:
    """Is it the other domain or below it? Both in comparable form."""
    return bool(other) and (domain == other or domain.endswith("." + other))
