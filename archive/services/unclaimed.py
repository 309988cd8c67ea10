"""Mail in a store that is nobody's here: given to those it names, or to one mailbox.

It comes from a recovery that lost the record of whose it was, or with a store from elsewhere whose mailboxes nobody has
here. Nobody finds it in their archive until it is given away. To those it names: each message goes to the mailboxes
that mail to its senders and recipients would reach, and stays where it names nobody here. To one mailbox: all of it,
which lets that person read what may be others', and therefore takes two people. Not for attaching (`attaching`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, foldernames, locking
from archive import store as engine
from archive.errors import ArchiveClosed, StoreRefused
from archive.mail.headers import addresses
from archive.mail.structure import parse_structure
from archive.models import Store
from archive.owners import NOBODY, is_nobodys
from archive.profiles.journaling import Directory
from archive.selectors import get_mailbox, get_store
from archive.services import retention_dates
from archive.store import Folder
from archive.store.errors import Damaged, NotFound
from archive.store.rows import Row
from domains.models import Mailbox
from jobs import proofs
from jobs.dry_runs import Plan
from jobs.running import TaskRun

COMMAND = "GiveUnclaimedMail"
RESCUED = "Recovered"
BATCH = 500
HEAD_BYTES = 64 << 10
NAMING = (b"from", b"sender", b"to", b"cc", b"bcc", b"delivered-to", b"x-original-to", b"envelope-to")
NAMED_IN_EVENT = 50


@dataclass(frozen=True, slots=True)
class GiveArguments:
    """Which store, which of its owners that are nobody's here, and to whose archive (none: those it names)."""

    id: int
    owner: int
    user_name: str | None = None


@dataclass(slots=True)
class Giving:
    """What would be given, or was: messages in all, per mailbox address, and those that name nobody here."""

    messages: int = 0
    unnamed: int = 0
    unreadable: int = 0
    mailboxes: Counter[str] = field(default_factory=Counter)

    @property
    def given(self) -> int:
        return self.messages - self.unnamed - self.unreadable

    def as_json(self) -> dict[str, object]:
        return {
            "messages": self.messages, "given": self.given, "named_nobody": self.unnamed,
            "unreadable": self.unreadable, "mailboxes": dict(self.mailboxes.most_common()),
        }  # fmt: skip


def plan_giving(actor: Actor, store: Store, owner: int, mailbox: Mailbox | None = None) -> Giving:
    """Who would get what; every message's head is read. Raises: Forbidden, StoreRefused, StoreUnavailable."""
    opened = _opened(actor, store, owner)
    choice = _Choice(store, mailbox)
    giving = Giving()
    for _folder, _numbers, rows in _messages(opened, owner):
        for row in rows:
            choice.note(giving, choice.of(opened, row))
    return giving


def plan(actor: Actor, arguments: GiveArguments) -> Plan | None:
    """What two people are asked; None where each message goes to those it names, which one may do alone.

    Raises: Forbidden, StoreUnknown, StoreRefused, ArchiveClosed.
    """
    store = get_store(actor, arguments.id)
    opened = _opened(actor, store, arguments.owner)
    if arguments.user_name is None:
        return None
    mailbox = _require_fits(store, get_mailbox(arguments.user_name))
    count = sum(folder.messages for folder in opened.folders(arguments.owner))
    words = ngettext("message comes into this archive", "messages come into this archive", count)
    return Plan(
        f"{store.name} · {mailbox.address}", [(count, words)], note=_("Its owner reads them from then on."),
        within=mailbox,
    )  # fmt: skip


def give_mail(actor: Actor, run: TaskRun, arguments: GiveArguments) -> dict[str, object]:
    """Give the mail of one owner away. May be run again: what was given is no longer there.

    Raises: Forbidden, StoreUnknown, StoreRefused, StoreProtected, ArchiveClosed, NeedsApproval, Cancelled.
    """
    store = get_store(actor, arguments.id)
    _opened(actor, store, arguments.owner)
    mailbox = None
    if arguments.user_name is not None:
        mailbox = _require_fits(store, get_mailbox(arguments.user_name))
        proofs.require(
            actor, run.approved, COMMAND, subject=f"{store.name} · {mailbox.address}", within=mailbox,
            id=arguments.id, owner=arguments.owner, user_name=arguments.user_name,
        )  # fmt: skip
    engines.require_writable(store)
    opened = engines.open_writable(store)
    # The event first: whose mail became readable for whom is never done without a word of it.
    audit.record(actor, "store.give", store, owner=arguments.owner, mailbox=mailbox.address if mailbox else "")
    giving, choice = Giving(), _Choice(store, mailbox)
    total = sum(folder.messages for folder in opened.folders(arguments.owner))
    try:
        for folder, _numbers, rows in _messages(opened, arguments.owner):
            if run.stopping():
                raise run.cancelled(giving.as_json())
            _give(actor, opened, folder, rows, choice, giving)
            run.progress(giving.messages, total, note=store.name)
    finally:
        if giving.given:
            audit.record(
                actor, "store.gave", store, owner=arguments.owner, count=giving.given,
                mailboxes=dict(giving.mailboxes.most_common(NAMED_IN_EVENT)),
            )  # fmt: skip
            # Policies and holds may name mailboxes: what they say of these messages is found out anew.
            retention_dates.begin_anew(store)
    opened.remove_folders([each.number for each in opened.folders(arguments.owner)])
    return giving.as_json()


def _give(
    actor: Actor, opened: engine.Store, folder: Folder, rows: list[Row], choice: _Choice, giving: Giving
) -> None:  # fmt: skip
    path = RESCUED if folder.mailbox == NOBODY else folder.path
    together: dict[tuple[int, ...], list[int]] = {}
    with locking.deleting():
        for row in rows:
            chosen = choice.of(opened, row)
            choice.note(giving, chosen)
            if chosen:
                together.setdefault(tuple(each.pk for each in chosen), []).append(row.number)
        for owners, numbers in together.items():
            targets = [_folder_for(opened, choice.known[owner], path) for owner in owners]
            opened.give_messages(numbers, folder.number, targets, by=actor.label[:300])


def _folder_for(opened: engine.Store, mailbox: Mailbox, path: str) -> int:
    opened.mailbox(mailbox.pk, mailbox.address)
    return opened.ensure_folder(mailbox.pk, foldernames.resolve(mailbox, path))


@dataclass(slots=True)
class _Choice:
    """To which mailboxes a message goes: the one that was said, else those it names; only a customer's in its store."""

    store: Store
    mailbox: Mailbox | None
    directory: Directory = field(default_factory=Directory)
    known: dict[int, Mailbox] = field(default_factory=dict)

    def of(self, opened: engine.Store, row: Row) -> list[Mailbox] | None:
        """None where it can't be read."""
        if self.mailbox is not None:
            found = [self.mailbox]
        else:
            try:
                named = _named(opened.head(row, HEAD_BYTES))
            except (Damaged, NotFound):
                return None
            reached = {box.pk: box for address in named for box in self.directory.mailboxes(address)}
            found = [reached[key] for key in sorted(reached) if _fits(self.store, reached[key])]
        self.known.update((each.pk, each) for each in found)
        return found

    def note(self, giving: Giving, chosen: list[Mailbox] | None) -> None:
        giving.messages += 1
        giving.unreadable += chosen is None
        giving.unnamed += chosen == []
        giving.mailboxes.update(each.address for each in chosen or ())


def _named(head: bytes) -> list[str]:
    """The addresses in the headers that say from whom and to whom, small letters, each once."""
    root = parse_structure(head.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0] + b"\r\n\r\n").root
    values = [value for name in NAMING for value in root.get_all(name)]
    return list(dict.fromkeys(each.address.lower() for each in addresses(values)))


def _messages(opened: engine.Store, owner: int) -> Iterator[tuple[Folder, list[int], list[Row]]]:
    """Batches of what an owner has, folder by folder; what is given away meanwhile isn't met again."""
    for folder in opened.folders(owner):
        after, deleted = -1, list[int]()
        while numbers := opened.catalogue.list_folder(folder.number, before=None, after=after, limit=BATCH):
            rows = opened.rows(numbers)
            if not rows:
                if numbers == deleted:
                    break
                deleted = numbers  # all of them between the two questions, so the next look doesn't meet them
                continue
            after = max(row.rank for row in rows)
            yield folder, numbers, rows


def _opened(actor: Actor, store: Store, owner: int) -> engine.Store:
    """Raises: Forbidden, StoreRefused, StoreUnavailable."""
    actor.require(Right.MANAGE_STORES)
    if store.is_locked:
        raise StoreRefused(_("The store waits for its recovery key."))
    opened = engines.open_store(store)
    if not is_nobodys(owner) or not opened.folders(owner):
        raise StoreRefused(_("There is no mail of nobody under this number."), field="owner")
    return opened


def _fits(store: Store, mailbox: Mailbox) -> bool:
    return store.customer_id is None or mailbox.customer_id == store.customer_id


def _require_fits(store: Store, mailbox: Mailbox) -> Mailbox:
    """Raises: ArchiveClosed."""
    if not _fits(store, mailbox):
        said = {"address": mailbox.address, "name": store.name}
        raise ArchiveClosed(_("“%(address)s” isn't of the customer that “%(name)s” is for.") % said)
    return mailbox
