"""All rules that may concern one recipient (or sender), compiled once and asked for many messages.

Making a book costs about 0.1 ms per expression; keep one per domain until its rules change. Not for loading rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

from domains.policy.attachments import AttachmentIndex, AttachmentRule
from domains.policy.dlp import DlpIndex, DlpRule
from domains.policy.protected import ProtectedIndex
from domains.policy.reasons import Reason
from domains.policy.senders import SenderIndex, SenderRule, SenderType
from domains.policy.uris import UriIndex, UriRule


class RuleBook:
    """Rules in any order, of any owners: what doesn't concern a message isn't asked. Immutable, safe for threads.

    A rule that can't be read (stored before it was checked) is left out and named in `notes`.
    """

    def __init__(
        self,
        senders: Iterable[SenderRule] = (),
        attachments: Iterable[AttachmentRule] = (),
        uris: Iterable[UriRule] = (),
        dlp: Iterable[DlpRule] = (),
    ) -> None:
        sender_rules = tuple(senders)
        self._protected_rules = tuple(rule for rule in sender_rules if rule.type is SenderType.PROTECTED)
        self.senders = SenderIndex(sender_rules)
        self.protected = ProtectedIndex(self._protected_rules)
        self.attachments = AttachmentIndex(attachments)
        self.uris = UriIndex(uris)
        self.dlp = DlpIndex(dlp)
        self.notes = self._all_notes()

    def beside(self, senders: Iterable[SenderRule]) -> RuleBook:
        """This book with more sender rules, of owners that have none in it: a mailbox's beside its domain's.

        Nothing else is compiled again; this book stays as it is.
        """
        more = tuple(senders)
        if not more:
            return self
        book = copy(self)
        book.senders = self.senders.joined(SenderIndex(more))
        book._protected_rules = (*self._protected_rules, *(r for r in more if r.type is SenderType.PROTECTED))
        if len(book._protected_rules) > len(self._protected_rules):
            book.protected = ProtectedIndex(book._protected_rules)
        book.notes = book._all_notes()
        return book

    def _all_notes(self) -> tuple[Reason, ...]:
        parts = (self.senders, self.protected, self.attachments, self.uris, self.dlp)
        notes = [note for part in parts for note in part.notes]
        return tuple(sorted(notes, key=lambda note: repr(sorted(note.data.items()))))


EMPTY = RuleBook()
