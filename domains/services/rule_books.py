"""Rules and policies as the decision (`domains.policy.evaluate`) takes them, for the gateway and the tester.

    evaluate(facts, policy_for(mailbox), book_for(domain, mailbox), recipient_for(mailbox))

Not for rights: whoever asks has been let in before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from domains.inheritance import value_of
from domains.models import AttachmentRule, DlpRule, Domain, DomainName, Mailbox, SenderRule, UriRule
from domains.policy import attachments, dlp, senders, uris
from domains.policy.book import RuleBook
from domains.policy.evaluate import Recipient
from domains.policy.policy import Policy
from domains.services.policies import effective_policy
from domains.services.rule_values import pure_of

KEPT_BOOKS = 256


@dataclass(frozen=True)
class _Stamp:
    """What a compiled book depends on."""

    version: int
    name: str
    names: tuple[str, ...]


class _Books:
    """The books used last, one per domain; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[_Stamp, RuleBook]] = OrderedDict()

    def get(self, domain_id: int, stamp: _Stamp) -> RuleBook | None:
        with self._lock:
            found = self._kept.get(domain_id)
            if found is None or found[0] != stamp:
                return None
            self._kept.move_to_end(domain_id)
            return found[1]

    def put(self, domain_id: int, stamp: _Stamp, book: RuleBook) -> None:
        with self._lock:
            self._kept[domain_id] = stamp, book
            self._kept.move_to_end(domain_id)
            while len(self._kept) > KEPT_BOOKS:
                self._kept.popitem(last=False)


_books = _Books()


def book_for(domain: Domain, mailbox: Mailbox | None = None) -> RuleBook:
    """The enabled rules of a domain, and of one of its mailboxes; ids are those of the rows.

    A domain's book is kept until its rules or names change: one query to see that, and one for the mailbox's rules.
    Rules against leaks count for all names of the domain, so that an alias is no way out.
    """
    stamp = _stamp(domain)
    book = _books.get(domain.pk, stamp)
    if book is None:
        book = _compiled(domain, stamp)
        _books.put(domain.pk, stamp, book)
    if mailbox is None:
        return book
    own = SenderRule.objects.filter(mailbox=mailbox, is_enabled=True)
    return book.beside(_senders(own, mailbox.address))


def policy_for(mailbox: Mailbox) -> Policy:
    """What counts for a mailbox: its own values over its policy, or the domain's."""
    return effective_policy(mailbox).policy


def recipient_for(mailbox: Mailbox) -> Recipient:
    """The mailbox as the decision knows it, with what is inherited."""
    recipient = recipient_in(mailbox.domain, mailbox.address)
    if mailbox.sender_verify is None:
        return recipient
    return Recipient(recipient.address, recipient.list_priority, mailbox.sender_verify)


def recipient_in(domain: Domain, address: str) -> Recipient:
    """Some address of a domain that is no mailbox."""
    priority = senders.ListPriority(str(value_of(domain, "list_priority")).upper())
    return Recipient(address, priority, bool(value_of(domain, "sender_verify")))


def _stamp(domain: Domain) -> _Stamp:
    rows = list(
        DomainName.objects.filter(domain=domain)
        .order_by("name")
        .values_list("name", "domain__rules_version", "domain__name")
    )
    if not rows:
        return _Stamp(domain.rules_version, domain.name, (domain.name,))
    return _Stamp(rows[0][1], rows[0][2], tuple(row[0] for row in rows))


def _compiled(domain: Domain, stamp: _Stamp) -> RuleBook:
    leaks = list(DlpRule.objects.filter(domain=domain, is_enabled=True))
    return RuleBook(
        senders=_senders(SenderRule.objects.filter(domain=domain, mailbox=None, is_enabled=True), stamp.name),
        attachments=_attachments(AttachmentRule.objects.filter(domain=domain, is_enabled=True)),
        uris=_uris(UriRule.objects.filter(domain=domain, is_enabled=True)),
        dlp=[rule for name in stamp.names for rule in _leaks(leaks, name)],
    )


def _senders(rows: Iterable[SenderRule], owner: str) -> list[senders.SenderRule]:
    return [rule for row in rows if isinstance(rule := pure_of(row, owner), senders.SenderRule)]


def _attachments(rows: Iterable[AttachmentRule]) -> list[attachments.AttachmentRule]:
    return [rule for row in rows if isinstance(rule := pure_of(row, ""), attachments.AttachmentRule)]


def _uris(rows: Iterable[UriRule]) -> list[uris.UriRule]:
    return [rule for row in rows if isinstance(rule := pure_of(row, ""), uris.UriRule)]


def _leaks(rows: Iterable[DlpRule], name: str) -> list[dlp.DlpRule]:
    return [rule for row in rows if isinstance(rule := pure_of(row, name), dlp.DlpRule)]
