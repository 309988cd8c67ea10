"""A journaling mailbox: each report's message is filed to the mailboxes of ours that sent or got it.

Kept once per store, one placement per mailbox. An address leads to mailboxes as mail to it would (aliases, groups,
lists). Who isn't here goes to the fallback mailbox, or stays at the source as a gap that names the addresses. Not for
what a report looks like (`archive.mail.journal_reports`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from archive.errors import StoreProtected, StoreUnavailable, StoreUnknown
from archive.mail.journal_reports import unpack
from archive.models import ProfileKind
from archive.profiles.context import Context, FolderRules, Signing
from archive.profiles.recording import FolderWork
from archive.profiles.servers import ImapAccount, PopAccount
from domains.errors import BadAddress
from domains.expansion import Outcome, expand
from domains.models import Mailbox

MOST_REMEMBERED = 50_000
REPORT_BYTES = 256 << 20


@dataclass(slots=True)
class Directory:
    """Which mailboxes of ours an address leads to; asked once each."""

    known: dict[str, tuple[Mailbox, ...]] = field(default_factory=dict)

    def mailboxes(self, address: str) -> tuple[Mailbox, ...]:
        if address not in self.known:
            if len(self.known) > MOST_REMEMBERED:
                self.known.clear()
            self.known[address] = self._find(address)
        return self.known[address]

    def _find(self, address: str) -> tuple[Mailbox, ...]:
        kept = Mailbox.objects.exclude(status="purged")
        own = kept.filter(address=address).first()
        if own is not None:  # also where mail to it goes on elsewhere, or it is switched off: it was its mail
            return (own,)
        try:
            found = expand(address).deliveries
        except BadAddress:
            return ()
        delivered = [each.email for each in found if each.outcome == Outcome.DELIVERED]
        return tuple(kept.filter(address__in=delivered).order_by("pk"))


@dataclass(frozen=True, slots=True)
class ToWhomItConcerns:
    """Files the message of a report to the mailboxes it concerns."""

    context: Context
    directory: Directory

    def file(
        self, work: FolderWork, key: str, content: bytes | None, spool: BinaryIO | None, size: int, received_at: int,
        flags: Sequence[str],
    ) -> None:  # fmt: skip
        recorder = self.context.recorder
        if spool is not None:
            with spool:
                content = spool.read(REPORT_BYTES + 1)
        if not content or len(content) > REPORT_BYTES:
            why = "an empty message" if not content else f"a report of more than {REPORT_BYTES >> 20} MiB"
            recorder.fail(work, key, received_at=received_at, reason=why)
            return
        report = unpack(content)
        places = self._places(report.senders, report.recipients)
        if not places:
            named = ", ".join((*report.senders, *report.recipients)) or "nobody"
            recorder.fail(work, key, received_at=received_at, reason=f"no mailbox of ours is concerned: {named}")
            return
        try:
            intakes = [(self.context.intake(mailbox), mailbox.pk, folder) for mailbox, folder in places]
        except (StoreUnknown, StoreProtected, StoreUnavailable) as error:  # all of them, or none
            recorder.fail(work, key, received_at=received_at, reason=str(error))
            return
        recorder.put(
            work, key, intakes, content=report.message, spool=None, size=len(report.message), received_at=received_at,
            flags=flags,
        )  # fmt: skip
        self.context.look()

    def _places(self, senders: Sequence[str], recipients: Sequence[str]) -> list[tuple[Mailbox, str]]:
        settings = self.context.settings
        found: dict[int, tuple[Mailbox, str]] = {}
        for addresses, folder in ((recipients, settings["recipient_folder"]), (senders, settings["sender_folder"])):
            for address in addresses:
                for mailbox in self.directory.mailboxes(address):
                    found.setdefault(mailbox.pk, (mailbox, folder))
        fallback = self.context.profile.mailbox
        if not found and fallback is not None:
            found[fallback.pk] = (fallback, settings["recipient_folder"])
        return list(found.values())


def archive_journal(context: Context) -> None:
    """All reports of the journaling mailbox. Raises: NetError, RemoteError."""
    signing = Signing(context.profile, context.who)
    filing = ToWhomItConcerns(context, Directory())
    settings = context.settings
    assert context.profile.kind == ProfileKind.JOURNAL
    if settings["protocol"] == "pop3":
        PopAccount(context, signing, "").archive(None, lambda _target: filing, settings["recipient_folder"])
        return
    rules = FolderRules({"include_folders": settings["include_folders"] or ["INBOX"]})
    ImapAccount(context, signing, "").archive(None, lambda _target: filing, rules)
