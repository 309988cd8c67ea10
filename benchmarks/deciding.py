"""What happens to a message: `domains.policy.evaluate` with many rules, beside the same asked one by one with `re`.

Everything is made here, always the same; no mail of the corpus is read. Not for gathering the facts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

from benchmarks.figures import Target, number, table
from benchmarks.section import Bench, Result
from domains.policy.attachments import AttachmentAction, AttachmentRule, Check
from domains.policy.book import RuleBook
from domains.policy.dlp import DlpRule
from domains.policy.evaluate import Recipient, evaluate
from domains.policy.facts import Attachment, Direction, Facts, Mailbox, Text, Uri, Where
from domains.policy.policy import Policy
from domains.policy.senders import SenderRule, SenderType
from domains.policy.uris import UriAction, UriRule

TITLE = "Decision"
SENDERS, EXPRESSIONS, TIMES = 1000, 100, 300
MOST_MS = 2.0
_BODY = "The quick brown fox jumps over the lazy dog. " * 220
ADA = Recipient("ada@example.org")
POLICY = Policy(name="benchmark", quarantine=True, outgoing=True)


def measure(bench: Bench, known: Result) -> Result:
    senders, attachments, uris, leaks = _senders(), _attachments(), _uris(), _leaks()
    began = time.perf_counter()
    book = RuleBook(senders, attachments, uris, leaks)
    found: Result = {"book_ms": (time.perf_counter() - began) * 1000}
    expressions = [rule.filter for rule in attachments] + [rule.filter for rule in uris]
    expressions += [rule.expression for rule in leaks]
    compiled = [re.compile(expression, re.IGNORECASE) for expression in expressions]
    for direction in Direction:
        facts = _facts(direction)
        found[direction.value] = {
            "ours": _ms(partial(evaluate, facts, POLICY, book, ADA)),
            "one_by_one": _ms(partial(_one_by_one, facts, senders, compiled)),
        }
        bench.say(f"decision, {direction.value}: {found[direction.value]['ours']:.2f} ms")
    return found


def _ms(once: Callable[[], object]) -> float:
    """The median of TIMES runs, after one that isn't counted."""
    once()
    times = []
    for _round in range(TIMES):
        began = time.perf_counter()
        once()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _senders() -> list[SenderRule]:
    kinds = (SenderType.ALLOW, SenderType.BLOCK)
    values = ("user{0}@d{0}.example", "d{0}.example", ".d{0}.example")
    return [
        SenderRule(i, kinds[i % 2], values[i % 3].format(i), "example.org" if i % 2 else "ada@example.org")
        for i in range(SENDERS)
    ]


def _attachments() -> list[AttachmentRule]:
    return [AttachmentRule(i, AttachmentAction.DENY, Check.FILENAME, rf"\.(?:ex{i}|sc{i})$") for i in range(40)]


def _uris() -> list[UriRule]:
    return [UriRule(i, UriAction.BLOCK, rf"(?:^|\.)bad{i}\.example$") for i in range(30)]


def _leaks() -> list[DlpRule]:
    expression = r"project[ -]?{0}\b|\b{0}\d{{3}}[ -]\d{{4}}\b"
    return [DlpRule(str(i), "example.org", expression.format(i), targets_content=True) for i in range(30)]


def _facts(direction: Direction) -> Facts:
    """10 KB of text, three attachments, twenty links; nothing fits."""
    incoming = Facts(
        envelope_sender="bob@friends.example",
        header_from=(Mailbox("Bob", "bob@friends.example"),),
        subject="hello",
        attachments=(Attachment(("report.pdf",), "application/pdf", "application/pdf"),) * 3,
        uris=tuple(Uri(f"w{i}.friends.example", f"https://w{i}.friends.example/") for i in range(20)),
        texts=(Text(Where.BODY, _BODY),),
        size_bytes=20_000,
        spam_score=1.0,
    )
    if direction is Direction.INCOMING:
        return incoming
    own = Mailbox("Ada", "ada@example.org")
    return replace(incoming, direction=direction, envelope_sender=own.address, header_from=(own,))


def _one_by_one(facts: Facts, senders: list[SenderRule], expressions: list[re.Pattern[str]]) -> int:
    """What a straightforward filter does: every rule, every text."""
    sender = facts.envelope_sender
    fits = sum(sender == rule.value or sender.endswith("@" + rule.value.lstrip(".")) for rule in senders)
    texts = [name for attachment in facts.attachments for name in attachment.names]
    texts += [uri.host for uri in facts.uris]
    if facts.direction is Direction.OUTGOING:
        texts += [facts.subject, *(text.text for text in facts.texts)]
    return fits + sum(expression.search(text) is not None for expression in expressions for text in texts)


def tables(found: Result) -> str:
    rows = [
        (direction.value, number(found[direction.value]["ours"]), number(found[direction.value]["one_by_one"]))
        for direction in Direction
    ]
    text = f"{SENDERS:,} sender rules and {EXPRESSIONS} expressions, compiled in {number(found['book_ms'])} ms.\n\n"
    return text + table(("a message of 10 KB", "ms", "ms, one by one with `re`"), rows)


def targets(found: Result) -> list[Target]:
    slowest = max(found[direction.value]["ours"] for direction in Direction)
    return [Target("decision with 1,000 sender rules and 100 expressions", slowest, MOST_MS, " ms")]
