"""Taking mail in from IMAP and POP3 servers: every folder compared with what is known, the rest fetched and kept.

A connection that breaks is made again and goes on with the messages that are still missing; a folder that stays
unreadable is named, and the others go on. Incremental by UIDVALIDITY and UID (or POP3's unique ids): what is kept is
never fetched again, and a folder that is as it was when it was read to its end isn't even listed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import BinaryIO, Protocol

from archive.errors import StoreProtected, StoreUnavailable, StoreUnknown
from archive.models import ProfileKind
from archive.profiles.accounts import mailboxes_of
from archive.profiles.context import Context, FolderRules, Signing, server_of, spool_dir
from archive.profiles.recording import FolderWork
from archive.remote.errors import CommandRefused, RemoteError, TokenRefused
from archive.remote.imap import Folder, Imap, Selected
from archive.remote.imap_messages import Heading
from archive.remote.imap_words import search_date
from archive.remote.pop3 import Pop3
from config.kit import net
from domains.models import Mailbox

DAY_S = 86_400
TRIES = 5  # connections in a row that brought nothing
WAITS_S = (0.0, 1.0, 4.0, 10.0, 20.0)
FETCH_CHUNK = 500
WITHHELD = "the server lists the message and doesn't hand it out"
SILENT = "the server lists the message and says nothing of it"
Places = Sequence[tuple[int, str]]


class Filing(Protocol):
    """Where a message of a folder goes."""

    def file(
        self, work: FolderWork, key: str, content: bytes | None, spool: BinaryIO | None, size: int, received_at: int,
        flags: Sequence[str],
    ) -> None:  # fmt: skip
        """Keep it, or name why not."""
        ...


@dataclass(frozen=True, slots=True)
class IntoFolder:
    """Into one folder of one mailbox, as it is."""

    context: Context
    mailbox: Mailbox
    folder: str

    def file(
        self, work: FolderWork, key: str, content: bytes | None, spool: BinaryIO | None, size: int, received_at: int,
        flags: Sequence[str],
    ) -> None:  # fmt: skip
        if not size:
            self.context.recorder.fail(work, key, received_at=received_at, reason="an empty message")
            return
        try:
            place = (self.context.intake(self.mailbox), self.mailbox.pk, self.folder)
        except (StoreUnknown, StoreProtected, StoreUnavailable) as error:
            if spool is not None:
                spool.close()
            self.context.recorder.fail(work, key, received_at=received_at, reason=str(error))
            return
        self.context.recorder.put(
            work, key, [place], content=content, spool=spool, size=size, received_at=received_at, flags=flags
        )
        self.context.look()


def archive_servers(context: Context) -> None:
    """All mailboxes of the profile. Raises: NetError, RemoteError when not even the first could be opened."""
    signing = Signing(context.profile, context.who)
    rules = FolderRules(context.settings)
    many = context.profile.kind == ProfileKind.IMAP_USERS
    opened = 0
    for mailbox in mailboxes_of(context.profile):
        if context.stopping():
            return
        try:
            login = mailbox.address if many else ""
            filing = partial(IntoFolder, context, mailbox)
            if context.profile.kind == ProfileKind.POP3:
                PopAccount(context, signing, login).archive(mailbox, filing, rules.target(("INBOX",)))
            else:
                ImapAccount(context, signing, login).archive(mailbox, filing, rules)
            opened += 1
        except (net.NetError, RemoteError) as error:
            if not many:
                raise
            context.problem(f"{mailbox.address}: {error}")
            if isinstance(error, TokenRefused) or (not opened and isinstance(error, net.NetError)):
                raise  # the server or the token is at fault, so the next mailbox would fail alike


class Reconnecting:
    """A connection that is made again when it breaks, until TRIES in a row brought nothing."""

    def __init__(self, context: Context, signing: Signing, login: str) -> None:
        self.context, self.signing, self.address = context, signing, login
        self.fruitless = 0

    def failed(self, error: Exception) -> None:
        """Wait a little; give up where it won't help. Raises: the error."""
        if getattr(error, "permanent", False) or isinstance(error, net.TlsFailed):
            raise error
        self.fruitless += 1
        if self.fruitless >= TRIES or self.context.stopping():
            raise error
        self.context.run.log(f"{self.address or 'the server'}: {error}; connecting again", level="warning")
        until = time.monotonic() + WAITS_S[min(self.fruitless, len(WAITS_S) - 1)]
        while time.monotonic() < until and not self.context.stopping():
            time.sleep(0.05)

    def progressed(self) -> None:
        self.fruitless = 0


class ImapAccount(Reconnecting):
    """One account at an IMAP server."""

    def __init__(self, context: Context, signing: Signing, login: str) -> None:
        super().__init__(context, signing, login)
        self._client: Imap | None = None
        self.works: dict[tuple[bytes, int], FolderWork] = {}

    def client(self) -> Imap:
        """The connection, made where there is none. Raises: NetError, RemoteError."""
        if self._client is None:
            settings = self.context.settings
            login = self.signing.login(self.address)
            self._client = Imap(server_of(settings), login, spool_dir=spool_dir(), who=self.context.who)
        return self._client

    def drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.__exit__(net.NetError, None, None)

    def archive(self, mailbox: Mailbox | None, filing: Callable[[str], Filing], rules: FolderRules) -> None:
        """Each folder that is wanted."""
        try:
            for folder in self._folders(rules):
                if self.context.stopping():
                    return
                self._archive_folder(mailbox, folder, rules.target(folder.parts), filing)
        finally:
            client, self._client = self._client, None
            if client is not None:
                client.__exit__(None, None, None)

    def _folders(self, rules: FolderRules) -> list[Folder]:
        while True:
            try:
                return [each for each in self.client().folders() if rules.wants(each.path, each.special)]
            except (net.NetError, CommandRefused) as error:
                self.drop()
                self.failed(error)

    def _archive_folder(
        self, mailbox: Mailbox | None, folder: Folder, target: str, filing: Callable[[str], Filing]
    ) -> None:
        while not self.context.stopping():
            try:
                return ImapFolder(self, mailbox, folder, target, filing(target)).archive()
            except CommandRefused as error:
                self.context.problem(f"{self.address} {folder.path}: {error}".strip())
                return None
            except net.NetError as error:
                self.drop()
                self.failed(error)
        return None


class ImapFolder:
    """One visit to a folder. After a broken connection another visit goes on: what is kept is known by then."""

    def __init__(
        self, account: ImapAccount, mailbox: Mailbox | None, folder: Folder, target: str, filing: Filing
    ) -> None:
        self.account, self.mailbox, self.folder, self.filing = account, mailbox, folder, filing
        self.target = target
        self.context = account.context
        self.recorder = account.context.recorder

    def archive(self) -> None:
        client = self.account.client()
        selected = client.open(self.folder)
        work = self._work(selected)
        criteria = self._criteria()
        seen = f"{selected.validity}/{selected.next_uid}/{selected.messages}"
        passes = not criteria and work.row.seen == seen and not self.recorder.has_failures(work)
        if passes:
            self.recorder.pass_over(work, selected.messages)
            work.line.save()
            return
        present = client.search()
        wanted = client.search(*criteria) if criteria else present
        self._count(work, present)
        self._fetch_all(client, work, wanted)
        if not self.context.stopping():
            left_out = self._left_out(client, work, present, wanted)
            self.recorder.close(work, [str(uid) for uid in present], left_out, "" if criteria else seen)
        self.context.take()

    def _work(self, selected: Selected) -> FolderWork:
        key = (self.folder.name, selected.validity)
        if key not in self.account.works:
            self.account.works[key] = self.recorder.begin(
                self.mailbox, self.folder.path, str(selected.validity), self.target, whose=self.account.address
            )
        return self.account.works[key]

    def _count(self, work: FolderWork, present: Sequence[int]) -> None:
        if not work.is_counted:
            self.context.source_total += len(present)
        work.line.found = len(present)

    def _criteria(self) -> list[bytes]:
        """The filters as the server judges them, by its own dates of arrival."""
        settings, now = self.context.settings, int(time.time())
        found = []
        if settings.get("older_than_days"):
            found.append(b"BEFORE " + search_date(now - (settings["older_than_days"] - 1) * DAY_S))
        if settings.get("newer_than_days"):
            found.append(b"SINCE " + search_date(now - settings["newer_than_days"] * DAY_S))
        if settings.get("read_state", "any") != "any":
            found.append(b"SEEN" if settings["read_state"] == "read" else b"UNSEEN")
        return found

    def _fetch_all(self, client: Imap, work: FolderWork, wanted: Sequence[int]) -> None:
        unknown = [int(key) for key in self.recorder.unknown(work, [str(uid) for uid in wanted])]
        if not work.is_counted:
            work.line.known = len(wanted) - len(unknown)
            self.recorder.totals["known"] += work.line.known
        work.is_counted = True
        for at in range(0, len(unknown), FETCH_CHUNK):
            if self.context.stopping():
                return
            asked = unknown[at : at + FETCH_CHUNK]
            came: set[int] = set()
            refused = self._fetch(client, work, asked, came)
            if refused and self.context.stopping():
                return  # not all of them were asked for
            self._look_for(client, work, [uid for uid in asked if uid not in came], refused)

    def _fetch(self, client: Imap, work: FolderWork, asked: Sequence[int], came: set[int]) -> dict[int, str]:
        """Take what comes. A command that is refused is given again for each message by itself, so that one that the
        server can't hand out keeps no other out; those that are refused then, with the server's words.

        Raises: NetError, CommandRefused (it refuses every single one of a full chunk, so the folder is at fault).
        """
        try:
            self._file_all(client, work, asked, came)
        except CommandRefused:
            refused = self._fetch_singly(client, work, [uid for uid in asked if uid not in came], came)
            if len(refused) == FETCH_CHUNK:
                raise
            return refused
        return {}

    def _fetch_singly(self, client: Imap, work: FolderWork, asked: Sequence[int], came: set[int]) -> dict[int, str]:
        refused: dict[int, str] = {}
        for uid in asked:
            if self.context.stopping():
                break
            try:
                self._file_all(client, work, [uid], came)
            except CommandRefused as error:
                if uid not in came:
                    refused[uid] = str(error)
        return refused

    def _file_all(self, client: Imap, work: FolderWork, asked: Sequence[int], came: set[int]) -> None:
        for each in client.fetch(asked):
            received_at = each.received_at if each.received_at is not None else int(time.time())
            flags = [flag for flag in each.flags if flag != "\\Recent"]
            self.filing.file(work, str(each.uid), each.content, each.spool, each.size, received_at, flags)
            came.add(each.uid)
            self.account.progressed()

    def _look_for(self, client: Imap, work: FolderWork, missing: Sequence[int], refused: Mapping[int, str]) -> None:
        """Messages that were asked for and didn't come: gone meanwhile, or there and not handed out."""
        if not missing:
            return
        there = set(client.search()) & set(missing)
        work.line.vanished += len(set(missing) - there)
        headings = self._headings(client, sorted(there))
        for uid in sorted(there):
            heading = headings.get(uid)
            at = heading.received_at if heading is not None else None
            self.recorder.fail(
                work, str(uid), received_at=at if at is not None else int(time.time()),
                message_id=heading.message_id if heading is not None else "",
                reason=refused.get(uid) or (SILENT if heading is None else WITHHELD),
            )  # fmt: skip

    def _headings(self, client: Imap, uids: Sequence[int]) -> dict[int, Heading]:
        """What the server tells of them; where it refuses some, each is asked about by itself."""
        try:
            return {each.uid: each for each in client.headings(uids)}
        except CommandRefused:
            found: dict[int, Heading] = {}
            for uid in uids:
                with suppress(CommandRefused):
                    found.update((each.uid, each) for each in client.headings([uid]))
            return found

    def _left_out(
        self, client: Imap, work: FolderWork, present: Sequence[int], wanted: Sequence[int]
    ) -> dict[str, int]:
        """What the filters leave out and isn't archived already, with its dates."""
        chosen = set(wanted)
        rest = self.recorder.unknown(work, [str(uid) for uid in present if uid not in chosen])
        found = {}
        for uid, received_at in client.dates([int(key) for key in rest]):
            found[str(uid)] = received_at if received_at is not None else int(time.time())
        return found


class PopAccount(Reconnecting):
    """One account at a POP3 server; all that it has is one folder."""

    def archive(self, mailbox: Mailbox | None, filing: Callable[[str], Filing], target: str) -> None:
        recorder = self.context.recorder
        work = recorder.begin(mailbox, "INBOX", "", target, whose=self.address)
        filer, counted = filing(target), 0
        while not self.context.stopping():
            try:
                client = Pop3(
                    server_of(self.context.settings), self.signing.login(self.address), spool_dir=spool_dir(),
                    who=self.context.who,
                )  # fmt: skip
                numbers = {key: number for number, key in client.unique_ids().items()}
                unknown = recorder.unknown(work, list(numbers))
                work.line.found = len(numbers)
                self.context.source_total = len(numbers)
                if not counted:
                    counted = work.line.known = len(numbers) - len(unknown)
                    recorder.totals["known"] += counted
                self._retrieve(client, work, filer, [(key, numbers[key]) for key in unknown])
                if not self.context.stopping():
                    recorder.close(work, list(numbers), {}, "")
                client.__exit__(None, None, None)
                return self.context.take()
            except (net.NetError, CommandRefused) as error:
                self.context.take()
                self.failed(error)
        return None

    def _retrieve(self, client: Pop3, work: FolderWork, filer: Filing, wanted: Sequence[tuple[str, int]]) -> None:
        for key, number in wanted:
            if self.context.stopping():
                return
            try:
                content, spool, size = client.retrieve(number)
            except CommandRefused as error:
                now = int(time.time())
                self.context.recorder.fail(work, key, received_at=now, reason=str(error))
                continue
            filer.file(work, key, content, spool, size, received_date(content or b""), [])
            self.progressed()


def received_date(raw: bytes) -> int:
    """When a message came, by its first Received line, else its Date; now where neither says so."""
    head = raw[:65_536].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines = head.replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n")
    for start, after in ((b"received:", b";"), (b"date:", b":")):
        for line in lines:
            if line[: len(start)].lower() == start:
                moment = _parsed(line.rpartition(after)[2] if after == b";" else line.partition(after)[2])
                if moment is not None:
                    return moment
                break
    return int(time.time())


def _parsed(text: bytes) -> int | None:
    try:
        return int(parsedate_to_datetime(text.decode("ascii", "replace").strip()).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
