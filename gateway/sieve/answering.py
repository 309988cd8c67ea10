"""Whether a message is one that a program may answer (RFC 5230 §4.6, RFC 3834 §2): pure.

Not for whether whoever wrote has had the answer already.
"""

from __future__ import annotations

import re

from domains.policy.facts import Authentication, AuthResult
from gateway.sieve.mail import Mail

_NOBODY = re.compile(r"(?:mailer-daemon|postmaster|listserv|majordomo|no-?reply|do-?not-?reply|bounces?|root)$|owner-|"
                     r".*-(?:request|owner|bounces?|errors|return)(?:[-+=].*)?$|.*\bbounces?[-+=].*", re.I)  # fmt: skip
_LISTS = ("list-id", "list-help", "list-subscribe", "list-unsubscribe", "list-post", "list-owner", "list-archive")
_BULK = frozenset({"bulk", "list", "junk"})


def why_silent(mail: Mail, signed: Authentication, *, is_clean: bool) -> str:
    """A code that says why nothing is answered; "" where it may be.

    bounce: nobody to answer. robot: an address that reads no answers. automatic: written by a program. list, bulk:
    written to many. forged: the sender's domain says that it wasn't them. suspicious: judged as something else.
    """
    local = mail.sender.rpartition("@")[0]
    if not mail.sender or not local:
        return "bounce"
    if _NOBODY.match(local):
        return "robot"
    automatic = [value.partition(";")[0].strip().lower() for value in mail.values("auto-submitted")]
    if any(value and value != "no" for value in automatic) or mail.raw("x-auto-response-suppress"):
        return "automatic"
    if any(mail.raw(name) for name in _LISTS):
        return "list"
    if any(value.strip().lower() in _BULK for value in mail.values("precedence")):
        return "bulk"
    if signed.spf in (AuthResult.FAIL, AuthResult.SOFTFAIL) or signed.dmarc is AuthResult.FAIL:
        return "forged"
    return "" if is_clean else "suspicious"


def named(mail: Mail) -> list[str]:
    """The addresses that the message says it was written to."""
    names = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
    return [address for name in names for address in mail.addresses(name)][:50]
