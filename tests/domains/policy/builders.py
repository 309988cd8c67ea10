"""Short ways to say what a test is about: messages, facts, rules and anything at all for hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from domains.policy.attachments import AttachmentAction, AttachmentRule, Check
from domains.policy.book import RuleBook
from domains.policy.decision import Decision
from domains.policy.dlp import DlpRule
from domains.policy.evaluate import Recipient, evaluate
from domains.policy.facts import (
    ArchiveEntry,
    Attachment,
    Authentication,
    AuthResult,
    Direction,
    Facts,
    Mailbox,
    SenderVerify,
    Signature,
    Text,
    Uri,
    Where,
)
from domains.policy.patterns import PatternMode
from domains.policy.policy import Policy
from domains.policy.senders import ListPriority, SenderRule, SenderType
from domains.policy.uris import UriAction, UriRule

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADA = Recipient("ada@example.org")
SPF_PASS = Authentication(spf=AuthResult.PASS, spf_domain="friends.example")


def incoming(sender: str = "bob@friends.example", **known: Any) -> Facts:
    """A clean message from `sender` (envelope and From) to Ada."""
    defaults: dict[str, Any] = {
        "envelope_sender": sender,
        "header_from": (Mailbox("Bob", sender),),
        "recipients": ("ada@example.org",),
        "received_at": NOW,
        "size_bytes": 2000,
        "spam_score": 0.0,
    }
    return Facts(**{**defaults, **known})


def outgoing(sender: str = "ada@example.org", **known: Any) -> Facts:
    return incoming(sender, **{"direction": Direction.OUTGOING, "recipients": ("bob@friends.example",), **known})


def allow(value: str, owner: str = "ada@example.org", *, id: int = 1, **more: Any) -> SenderRule:
    return SenderRule(id, SenderType.ALLOW, value, owner, **more)


def block(value: str, owner: str = "ada@example.org", *, id: int = 2, **more: Any) -> SenderRule:
    return SenderRule(id, SenderType.BLOCK, value, owner, **more)


def protected(value: str, owner: str = "example.org", *, id: int = 3, **more: Any) -> SenderRule:
    return SenderRule(id, SenderType.PROTECTED, value, owner, **more)


def deny(filter: str, check: Check = Check.FILENAME, *, id: int = 1, **more: Any) -> AttachmentRule:
    return AttachmentRule(id, AttachmentAction.DENY, check, filter, **more)


def permit(filter: str, check: Check = Check.FILENAME, *, id: int = 2, **more: Any) -> AttachmentRule:
    return AttachmentRule(id, AttachmentAction.ALLOW, check, filter, **more)


def file(*names: str, **more: Any) -> Attachment:
    return Attachment(names=names, **more)


def judge(
    facts: Facts,
    *rules: SenderRule | AttachmentRule | UriRule | DlpRule,
    policy: Policy | None = None,
    recipient: Recipient = ADA,
) -> Decision:
    """The decision under the default policy with a quarantine, and these rules."""
    return evaluate(facts, policy or Policy(name="test", quarantine=True, outgoing=True), book(*rules), recipient)


def book(*rules: SenderRule | AttachmentRule | UriRule | DlpRule) -> RuleBook:
    return RuleBook(
        [rule for rule in rules if isinstance(rule, SenderRule)],
        [rule for rule in rules if isinstance(rule, AttachmentRule)],
        [rule for rule in rules if isinstance(rule, UriRule)],
        [rule for rule in rules if isinstance(rule, DlpRule)],
    )


ANY_TEXT = st.text(max_size=20)
DOMAINS = st.sampled_from(["example.org", "friends.example", "sub.friends.example", "evil.example", "пример.example"])
ADDRESSES = st.one_of(st.builds(lambda local, domain: f"{local}@{domain}", st.sampled_from("abc"), DOMAINS), ANY_TEXT)
MAILBOXES = st.lists(st.builds(Mailbox, st.one_of(ANY_TEXT, ADDRESSES), ADDRESSES), max_size=3).map(tuple)
RESULTS = st.sampled_from(AuthResult)
NAMES = st.one_of(ANY_TEXT, st.sampled_from(["a.exe", "b.PDF", "c.zip", "d.docx"]))
TEXTS = st.lists(ANY_TEXT, max_size=2).map(tuple)
MOMENTS = st.one_of(st.datetimes(), st.datetimes(timezones=st.just(UTC)))
ANY_FACTS = st.builds(
    Facts,
    direction=st.sampled_from(Direction),
    received_at=MOMENTS,
    envelope_sender=ADDRESSES,
    recipients=st.lists(ADDRESSES, max_size=2).map(tuple),
    header_from=MAILBOXES,
    header_sender=MAILBOXES,
    reply_to=MAILBOXES,
    header_recipients=MAILBOXES,
    subject=ANY_TEXT,
    authentication=st.builds(
        Authentication,
        RESULTS,
        DOMAINS,
        st.lists(st.builds(Signature, DOMAINS, RESULTS), max_size=2).map(tuple),
        RESULTS,
    ),
    attachments=st.lists(
        st.builds(
            Attachment,
            st.lists(NAMES, max_size=2).map(tuple),
            NAMES,
            NAMES,
            st.lists(st.builds(ArchiveEntry, NAMES, NAMES), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    uris=st.lists(st.builds(Uri, st.one_of(DOMAINS, ANY_TEXT), ANY_TEXT, st.floats()), max_size=3).map(tuple),
    texts=st.lists(st.builds(Text, st.sampled_from(Where), ANY_TEXT), max_size=2).map(tuple),
    size_bytes=st.integers(0, 10**9),
    spam_score=st.one_of(st.none(), st.floats()),
    advert_signs=TEXTS,
    virus_names=TEXTS,
    bad_headers=TEXTS,
    bad_encoding=TEXTS,
    sender_verify=st.sampled_from(SenderVerify),
    incomplete=TEXTS,
)
IDS = st.one_of(st.integers(), st.text(max_size=3))
PATTERNS = st.sampled_from(["a", ".*", r"\.exe$", "(", "example", "é", "*.exe", "friends.example"])
ANY_RULE = st.one_of(
    st.builds(
        SenderRule,
        IDS,
        st.sampled_from(SenderType),
        st.one_of(ADDRESSES, DOMAINS, DOMAINS.map(".{}".format)),
        st.sampled_from(["a@example.org", "ada@example.org", "example.org", "evil.example", "?"]),
        st.booleans(),
        st.one_of(st.none(), MOMENTS),
        st.booleans(),
        ANY_TEXT,
    ),
    st.builds(
        AttachmentRule,
        IDS,
        st.sampled_from(AttachmentAction),
        st.sampled_from(Check),
        PATTERNS,
        st.sampled_from(PatternMode),
        st.integers(0, 2),
    ),
    st.builds(UriRule, IDS, st.sampled_from(UriAction), PATTERNS, st.sampled_from(PatternMode), st.integers(0, 2)),
    st.builds(
        DlpRule,
        IDS,
        DOMAINS,
        PATTERNS,
        ANY_TEXT,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(PatternMode),
        st.booleans(),
        st.integers(0, 2),
    ),
)
ANY_POLICY = st.builds(
    Policy,
    incoming=st.booleans(),
    outgoing=st.booleans(),
    quarantine=st.booleans(),
    retention=st.booleans(),
    archive=st.booleans(),
    mail_size_limit_mb=st.integers(1, 1000),
    spam_score=st.floats(0.5, 20),
)
RECIPIENTS = st.builds(Recipient, ADDRESSES, st.sampled_from(ListPriority), st.booleans())
