"""Why: stable codes with data. The codes are kept for good (logs, API, stored decisions); the English may improve.

Pages translate `reason.sentence`. Not for errors in what a person typed: those are sentences at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domains.policy.sentences import Datum, Sentence, gettext_noop
from domains.policy.signs import not_read


class Code(StrEnum):
    """What spoke, or what is worth knowing. TEXTS has a sentence for each."""

    CLEAN = "clean"
    SERVICE_OFF = "service_off"
    TOO_BIG = "too_big"
    VIRUS = "virus"
    SENDER_BLOCKED = "sender_blocked"
    SENDER_ALLOWED = "sender_allowed"
    SENDER_UNVERIFIED = "sender_unverified"
    NOT_THEIR_ADDRESS = "not_their_address"
    IMPERSONATES_ADDRESS = "impersonates_address"
    SHOWS_PROTECTED_ADDRESS = "shows_protected_address"
    SHOWS_PROTECTED_NAME = "shows_protected_name"
    LOOKS_LIKE_PROTECTED = "looks_like_protected"
    LEAK = "leak"
    ATTACHMENT_DENIED = "attachment_denied"
    ATTACHMENT_ALLOWED = "attachment_allowed"
    ARCHIVE_UNREAD = "archive_unread"
    BAD_HEADERS = "bad_headers"
    BAD_ENCODING = "bad_encoding"
    SPAM = "spam"
    ADVERT = "advert"
    URI_BLOCKED = "uri_blocked"
    URI_ALLOWED = "uri_allowed"
    URI_SKIPPED = "uri_skipped"
    RELEASED = "released"
    # why something that spoke doesn't count
    BEATEN_BY_OWNER = "beaten_by_owner"
    BEATEN_BY_RULE = "beaten_by_rule"
    BEATEN_BY_ALLOW = "beaten_by_allow"
    # notes
    RULE_EXPIRED = "rule_expired"
    RULE_UNREADABLE = "rule_unreadable"
    ALLOW_NEEDS_SPF = "allow_needs_spf"
    VERIFY_OFF = "verify_off"
    NOT_ALL_READ = "not_all_read"
    NO_SCORE = "no_score"
    ONLY_NOTED_OUTGOING = "only_noted_outgoing"


TEXTS: dict[Code, str] = {
    Code.CLEAN: gettext_noop("Nothing speaks against it."),
    Code.SERVICE_OFF: gettext_noop("The policy doesn't serve mail in this direction."),
    Code.TOO_BIG: gettext_noop("It has %(size_bytes)d bytes; the policy takes up to %(limit_mb)d MB."),
    Code.VIRUS: gettext_noop("A virus was found: %(names)s."),
    Code.SENDER_BLOCKED: gettext_noop("The sender %(piece)s is blocked."),
    Code.SENDER_ALLOWED: gettext_noop("The sender %(piece)s is allowed."),
    Code.SENDER_UNVERIFIED: gettext_noop("The sender's server doesn't take mail for %(piece)s."),
    Code.NOT_THEIR_ADDRESS: gettext_noop("Who sent it may not write as %(piece)s."),
    Code.IMPERSONATES_ADDRESS: gettext_noop("It says to be from %(piece)s, which is protected, and can't prove it."),
    Code.SHOWS_PROTECTED_ADDRESS: gettext_noop("It shows %(value)s, which is protected, but is from %(piece)s."),
    Code.SHOWS_PROTECTED_NAME: gettext_noop("It shows the name of %(value)s, who is protected, but is from %(piece)s."),
    Code.LOOKS_LIKE_PROTECTED: gettext_noop("%(piece)s looks like %(value)s, which is protected, but isn't it."),
    Code.LEAK: gettext_noop("It has something that must not leave: %(piece)s"),
    Code.ATTACHMENT_DENIED: gettext_noop("The attachment “%(piece)s” is forbidden."),
    Code.ATTACHMENT_ALLOWED: gettext_noop("The attachment “%(piece)s” is allowed."),
    Code.ARCHIVE_UNREAD: gettext_noop("It has an archive that can't be looked into: %(names)s."),
    Code.BAD_HEADERS: gettext_noop("Its headers are broken: %(names)s."),
    Code.BAD_ENCODING: gettext_noop("Its encoding is broken: %(names)s."),
    Code.SPAM: gettext_noop("Its spam score is %(score).1f; spam begins at %(limit).1f."),
    Code.ADVERT: gettext_noop("It is advertising: %(names)s."),
    Code.URI_BLOCKED: gettext_noop("It links to %(piece)s, which is blocked: %(change)+.1f."),
    Code.URI_ALLOWED: gettext_noop("It links to %(piece)s, which is allowed: %(change)+.1f."),
    Code.URI_SKIPPED: gettext_noop("Block lists aren't asked for %(piece)s: %(change)+.1f."),
    Code.RELEASED: gettext_noop("%(who)s released it."),
    Code.BEATEN_BY_OWNER: gettext_noop("Rules of %(owner)s come first."),
    Code.BEATEN_BY_RULE: gettext_noop("Rule %(rule)s comes first."),
    Code.BEATEN_BY_ALLOW: gettext_noop("Rule %(rule)s allows the sender."),
    Code.RULE_EXPIRED: gettext_noop("Rule %(rule)s would have spoken but has expired."),
    Code.RULE_UNREADABLE: gettext_noop("Rule %(rule)s can't be read and was left out: %(error)s"),
    Code.ALLOW_NEEDS_SPF: gettext_noop("Rule %(rule)s allows the sender only where SPF passes for it."),
    Code.VERIFY_OFF: gettext_noop("The sender failed verification, but the domain doesn't ask for it."),
    Code.NOT_ALL_READ: gettext_noop("Not everything was looked at: %(names)s."),
    Code.NO_SCORE: gettext_noop("It has no spam score."),
    Code.ONLY_NOTED_OUTGOING: gettext_noop("Broken, but in outgoing mail only noted: %(names)s."),
}


def sentence_of(code: Code, data: Mapping[str, Datum]) -> Sentence:
    """In words, also what wasn't looked at, of which reasons hold the codes."""
    if code in (Code.NOT_ALL_READ, Code.ARCHIVE_UNREAD):
        data = {**data, "names": not_read(str(data["names"]))}
    return Sentence(TEXTS[code], data)


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and what its sentence names; `data` holds strings and numbers only."""

    code: Code
    data: Mapping[str, Datum] = field(default_factory=dict)

    @property
    def sentence(self) -> Sentence:
        return sentence_of(self.code, self.data)

    def __str__(self) -> str:
        return str(self.sentence)


def reason(code: Code, **data: Datum) -> Reason:
    return Reason(code, data)
