"""E-mail addresses in one canonical form: lower case, Unicode in NFC, the domain in its ASCII (A-label) form.

Source: RFC 5321 §4.1.2 (dot-string local parts), §4.5.3.1 (lengths), RFC 6531 (Unicode local parts). Not for
addresses found in mails (they may be anything; `archive.mail` reads them), only for those that we serve or let sign
in.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.errors import BadAddress

LOCAL_MAX_BYTES = 64
ADDRESS_MAX_BYTES = 254
DOMAIN_MAX_BYTES = 253

_ATOM_ASCII = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# IDNA 2003 (the standard library's) maps these to other letters, IDNA 2008 doesn't: two different domains.
_DEVIATIONS = frozenset("ßẞς\u200c\u200d")
_LETTERS = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A served address, canonical."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_address(text: str) -> MailAddress:
    """Read an address somebody typed. Raises: BadAddress."""
    text = text.strip()
    if text.startswith('"'):
        raise BadAddress(_("Addresses with a quoted part before the @ aren't supported."))
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise BadAddress(_("An e-mail address has the form name@example.org."))
    address = MailAddress(canonical_local(local), canonical_domain(domain))
    if len(str(address).encode()) > ADDRESS_MAX_BYTES:
        raise BadAddress(_("The address is longer than 254 bytes."))
    return address


def canonical_domain(text: str) -> str:
    """A domain name as ASCII in lower case. Raises: BadAddress."""
    text = unicodedata.normalize("NFC", text.strip())
    if _DEVIATIONS & set(text):
        raise BadAddress(_("Write this domain in its ASCII form (xn--…): a letter in it means different domains."))
    try:
        domain = text.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise BadAddress(_("“%(domain)s” is not a domain name.") % {"domain": text}) from error
    labels = domain.split(".")
    if len(domain) > DOMAIN_MAX_BYTES or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress(_("“%(domain)s” is not a domain name.") % {"domain": text})
    return domain


def display_domain(name: str) -> str:
    """A canonical name as people write it, in Unicode; what can't be decoded stays as it is."""
    if "xn--" not in name:
        return name
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


def canonical_local(text: str) -> str:
    """A part before the @, in lower case. Raises: BadAddress."""
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise BadAddress(_("The part before the @ can't begin or end with a dot, nor have two in a row."))
    if not _ATOM_ASCII.issuperset(local) and not all(map(_is_atom, local)):
        raise BadAddress(_("The part before the @ has a character that isn't allowed there."))
    if len(local.encode()) > LOCAL_MAX_BYTES:
        raise BadAddress(_("The part before the @ is longer than 64 bytes."))
    return local


def _is_atom(character: str) -> bool:
    return character in _ATOM_ASCII or (character > "\x7f" and unicodedata.category(character) in _LETTERS)
