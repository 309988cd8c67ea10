"""A client of IMAP for archiving and restoring: sign in, list folders, see what is in one, fetch, append, delete.

Messages stream: a fetch of thousands holds one of them. Not for more of IMAP than profiles need; why not the library
that this project has for tests: docs/decisions/0014-own-imap-client.md.

Source: RFC 3501; RFC 4959 (SASL-IR), RFC 4315 (UIDPLUS), RFC 6154 (special use), RFC 7162 (CONDSTORE), RFC 2342
(NAMESPACE), RFC 7628 (OAUTHBEARER), XOAUTH2 as Google and Microsoft document it.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from archive.remote.connecting import Login, Security, Server, connect
from archive.remote.errors import CommandRefused, LoginRefused
from archive.remote.imap_messages import Fetched, Heading, heading_of, items_of, message_of, usual_message
from archive.remote.imap_words import (
    Literal,
    Word,
    internal_date,
    number,
    pairs,
    quoted,
    text,
    words_of,
    write_internal_date,
    write_set,
)
from archive.remote.lines import Lines
from archive.sources.names import from_utf7
from config.kit import net

_LITERAL_AT_END = re.compile(rb"\{(\d{1,18})\+?\}$", re.ASCII)
_CODE = re.compile(rb"\[([A-Z0-9_-]+)(?: ([^\]]*))?\]", re.IGNORECASE)
MOST_PARTS = 100_000
FETCH_AT_ONCE = 1_000  # UIDs in one command; a line of a few thousand characters at most
Challenged = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the account. name: as the server writes it; parts: what people call it, from the top down."""

    name: bytes
    parts: tuple[str, ...]
    special: str = ""  # trash, junk, drafts, sent, archive, all, flagged; or nothing
    is_foreign: bool = False  # of another person or shared, as far as the server tells (RFC 2342)

    @property
    def path(self) -> str:
        """For people and for patterns, with `/` between the names."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Selected:
    """What a folder said when it was opened. modseq: 0 where the server doesn't count changes."""

    validity: int
    next_uid: int
    messages: int
    modseq: int = 0


@dataclass(slots=True)
class Answer:
    """What came for one command: untagged answers in order, the final line's code and text."""

    untagged: list[list[bytes | Literal]] = field(default_factory=list)
    code: str = ""
    code_value: str = ""
    text: str = ""


class Imap:
    """A connection that is signed in. A context manager; leaving it logs out, or just closes when it is broken."""

    def __init__(self, server: Server, login: Login, *, spool_dir: Path, who: str = "") -> None:
        self._spool_dir = spool_dir
        self._number = 0
        self._capabilities: frozenset[str] = frozenset()
        self._lines = Lines(connect(server, who))
        self.selected: Folder | None = None
        try:
            self._greet(server)
            self._sign_in(login)
            if not self._capabilities:
                self._ask_capabilities()
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> Imap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(net.NetError, CommandRefused):
            if kind is None:
                self.command(b"LOGOUT")
        self._lines.close()

    def can(self, capability: str) -> bool:
        """Whether the server says that it offers something."""
        return capability.upper() in self._capabilities

    # Beginning

    def _greet(self, server: Server) -> None:
        line = self._lines.read_line()
        if not line.upper().startswith((b"* OK", b"* PREAUTH")):
            raise net.ProtocolBroken(f"not a greeting of IMAP: {_shown(line)}")
        if server.security is Security.STARTTLS:
            if line.upper().startswith(b"* PREAUTH"):
                raise net.TlsFailed("the server signs us in before TLS could begin")  # RFC 8314, an injected greeting
            self.command(b"STARTTLS")
            self._lines.start_tls(server.context())
        self._lines.settle()
        if server.security is Security.STARTTLS or not self._note_capabilities(line):
            self._ask_capabilities()

    def _ask_capabilities(self) -> None:
        for parts in self.command(b"CAPABILITY").untagged:
            words = text(parts[0]).split()
            if words[:1] == [b"CAPABILITY"]:
                self._capabilities = frozenset(word.decode("ascii", "replace").upper() for word in words[1:])

    def _note_capabilities(self, line: bytes) -> bool:
        match = _CODE.search(line)
        if match is None or match[1].upper() != b"CAPABILITY":
            return False
        self._capabilities = frozenset((match[2] or b"").decode("ascii", "replace").upper().split())
        return True

    def _sign_in(self, login: Login) -> None:
        try:
            if login.token:
                self._with_token(login)
            elif login.act_for or self.can("LOGINDISABLED") or not _fits_login(login):
                if not self.can("AUTH=PLAIN"):
                    raise LoginRefused("the server takes no password like this over this connection")
                self._authenticate("PLAIN", f"{login.act_for}\0{login.user}\0{login.password}")
            else:
                self.command(b"LOGIN " + _quote(login.user) + b" " + _quote(login.password), forget=True)
        except CommandRefused as error:
            raise LoginRefused(str(error)) from error

    def _with_token(self, login: Login) -> None:
        user = login.act_for or login.user
        if self.can("AUTH=XOAUTH2") or not self.can("AUTH=OAUTHBEARER"):
            self._authenticate("XOAUTH2", f"user={user}\1auth=Bearer {login.token}\1\1")
        else:
            name = user.replace("=", "=3D").replace(",", "=2C")
            self._authenticate("OAUTHBEARER", f"n,a={name},\1auth=Bearer {login.token}\1\1")

    def _authenticate(self, mechanism: str, secret: str) -> None:
        coded = base64.b64encode(secret.encode())
        start = b"AUTHENTICATE " + mechanism.encode()
        if self.can("SASL-IR"):
            # a server that refuses a token says why in a challenge, which takes an empty answer
            self.command(start + b" " + coded, on_challenge=lambda _said: b"", forget=True)
            return
        answers = iter((coded,))
        self.command(start, on_challenge=lambda _said: next(answers, b""), forget=True)

    # Commands

    def command(self, words: bytes, *, on_challenge: Challenged | None = None, forget: bool = False) -> Answer:
        """Send one command and read all that comes for it. forget: its words are a secret, and in no error.

        Raises: CommandRefused, NetError.
        """
        tag = self._send(words)
        answer = Answer()
        while not self._take(tag, answer, words=b"" if forget else words, on_challenge=on_challenge):
            if len(answer.untagged) > MOST_PARTS * 10:
                raise net.ProtocolBroken(f"{self._lines.where} doesn't end its answer")
        return answer

    def _send(self, words: bytes) -> bytes:
        self._number += 1
        tag = b"k%d" % self._number
        self._lines.send(tag, b" ", words, b"\r\n")
        return tag

    def _take(self, tag: bytes, answer: Answer, *, words: bytes, on_challenge: Challenged | None = None) -> bool:
        """One answer, kept in `answer`; whether it was the last one of the command."""
        parts = self._read_parts()
        first = parts[0]
        assert isinstance(first, bytes)
        if first.startswith(b"* "):
            if first[2:5].upper() == b"BYE" and not words.startswith(b"LOGOUT"):
                raise net.Unreachable(f"{self._lines.where} closed the connection: {_shown(first[6:])}")
            parts[0] = first[2:]
            answer.untagged.append(parts)
            return False
        if first.startswith(b"+"):
            reply = b"*" if on_challenge is None else on_challenge(first[1:].strip())
            self._lines.send(reply, b"\r\n")
            return False
        return self._finish(tag, first, answer, words)

    def _finish(self, tag: bytes, line: bytes, answer: Answer, words: bytes) -> bool:
        said_tag, _, rest = line.partition(b" ")
        if said_tag != tag:
            raise net.ProtocolBroken(f"{self._lines.where} answers what wasn't asked: {_shown(line)}")
        state, _, said = rest.partition(b" ")
        match = _CODE.match(said)
        if match:
            answer.code = match[1].decode("ascii").upper()
            answer.code_value = (match[2] or b"").decode("ascii", "replace")
            self._note_capabilities(said)
        answer.text = _shown(said)
        if state.upper() != b"OK":
            what = words.split(b" ", 2)
            about = b" ".join(what[:2] if what[0] == b"UID" else what[:1]).decode("ascii", "replace")
            raise CommandRefused(f"{about}: {answer.text}" if about else answer.text)
        return True

    def _read_parts(self) -> list[bytes | Literal]:
        """One answer: a line with the literals in it."""
        line = self._lines.read_line()
        match = _LITERAL_AT_END.search(line) if line.endswith(b"}") else None
        if match is None:
            return [line]
        parts: list[bytes | Literal] = []
        while match is not None:
            size = int(match[1])
            parts += [line[: match.start()], Literal(self._lines.read_block(size, self._spool_dir), size)]
            if len(parts) > MOST_PARTS:
                raise net.ProtocolBroken(f"{self._lines.where} doesn't end its answer")
            line = self._lines.read_line()
            match = _LITERAL_AT_END.search(line)
        return [*parts, line]

    # Folders

    def folders(self) -> list[Folder]:
        """All that can be opened, in the order of their paths; the personal namespace's prefix is no part of a path."""
        special = self.can("SPECIAL-USE") and self.can("LIST-EXTENDED")
        listed = self.command(b'LIST "" "*" RETURN (SPECIAL-USE)' if special else b'LIST "" "*"')
        own, others = self._namespaces()
        prefix = own[0] if own else b""
        found: dict[bytes, Folder] = {}
        for parts in listed.untagged:
            words = words_of(parts)
            if len(words) < 4 or text(words[0]).upper() != b"LIST" or not isinstance(words[1], list):
                continue
            attributes = {text(word).lower() for word in words[1]}
            if attributes & {b"\\noselect", b"\\nonexistent"}:
                continue
            name, separator = text(words[3]), text(words[2])
            is_foreign = _is_foreign(name, separator, own, others)
            found.setdefault(name, Folder(name, _parts(name, separator, prefix), _special(attributes), is_foreign))
        return sorted(found.values(), key=lambda folder: folder.parts)

    def _namespaces(self) -> tuple[list[bytes], list[bytes]]:
        """Prefixes of the account's own names; and of those of other people and of shared ones (RFC 2342 §5)."""
        if not self.can("NAMESPACE"):
            return [], []
        for parts in self.command(b"NAMESPACE").untagged:
            words = words_of(parts)
            if text(words[0]).upper() == b"NAMESPACE":
                own, people, shared = (_prefixes(word) for word in [*words[1:4], None, None, None][:3])
                return own, people + shared
        return [], []

    def separator(self) -> bytes:
        """What stands between the names of a path at this server."""
        for parts in self.command(b'LIST "" ""').untagged:
            words = words_of(parts)
            if len(words) > 3 and text(words[0]).upper() == b"LIST":
                return text(words[2])
        return b"/"

    def open(self, folder: Folder, *, to_change: bool = False) -> Selected:
        """Raises: CommandRefused (it is gone, or closed to us)."""
        self.selected = None
        change = b" (CONDSTORE)" if self.can("CONDSTORE") else b""
        answer = self.command((b"SELECT " if to_change else b"EXAMINE ") + self._name(folder.name) + change)
        found = {"UIDVALIDITY": 0, "UIDNEXT": 0, "HIGHESTMODSEQ": 0}
        messages = 0
        for parts in answer.untagged:
            line = text(parts[0])
            match = _CODE.search(line)
            if match and (key := match[1].decode().upper()) in found:
                found[key] = number((match[2] or b"").strip()) or 0
            elif (words := line.split())[1:2] == [b"EXISTS"]:
                messages = number(words[0]) or 0
        self.selected = folder
        return Selected(found["UIDVALIDITY"], found["UIDNEXT"], messages, found["HIGHESTMODSEQ"])

    def search(self, *criteria: bytes) -> list[int]:
        """UIDs in ascending order. Raises: CommandRefused."""
        answer = self.command(b"UID SEARCH " + (b" ".join(criteria) or b"ALL"))
        found: list[int] = []
        for parts in answer.untagged:
            line = text(parts[0])
            if line[:6].upper() == b"SEARCH":
                found += [int(word) for word in line[6:].split() if word.isdigit()]
        return sorted(set(found))

    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]:
        """Messages as they come, read without being marked as read. One that is gone simply doesn't come.

        Raises: CommandRefused, NetError; what was given out before is whole.
        """
        for at in range(0, len(uids), FETCH_AT_ONCE):
            asked = write_set(uids[at : at + FETCH_AT_ONCE])
            words = b"UID FETCH " + asked + b" (UID FLAGS INTERNALDATE BODY.PEEK[])"
            for parts in self._answers(words):
                found = usual_message(parts) or message_of(items_of(parts))
                if found is not None:
                    yield found

    def headings(self, uids: Sequence[int]) -> Iterator[Heading]:
        """What is known of messages without their bodies."""
        items = b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
        for at in range(0, len(uids), FETCH_AT_ONCE):
            for found in self._fetched(b"UID FETCH " + write_set(uids[at : at + FETCH_AT_ONCE]) + b" " + items):
                heading = heading_of(found)
                if heading is not None:
                    yield heading

    def dates(self, uids: Sequence[int]) -> Iterator[tuple[int, int | None]]:
        """When messages arrived: UID, seconds since 1970 UTC."""
        for at in range(0, len(uids), FETCH_AT_ONCE):
            for items in self._fetched(b"UID FETCH " + write_set(uids[at : at + FETCH_AT_ONCE]) + b" (INTERNALDATE)"):
                found = dict(pairs(items))
                uid = number(found.get(b"UID"))
                if uid is not None:
                    yield uid, internal_date(found.get(b"INTERNALDATE"))

    def _fetched(self, words: bytes) -> Iterator[list[Word]]:
        """The items of each FETCH answer, while they come."""
        return (items for parts in self._answers(words) if (items := items_of(parts)))

    def _answers(self, words: bytes) -> Iterator[list[bytes | Literal]]:
        """The untagged answers to a command, while they come."""
        tag = self._send(words)
        answer = Answer()
        ended = False
        while not ended:
            ended = self._take(tag, answer, words=words)
            yield from answer.untagged
            answer.untagged.clear()

    # Changing

    def make_folder(self, name: bytes) -> None:
        """Make a folder, if it isn't there, and subscribe to it. Raises: CommandRefused."""
        try:
            self.command(b"CREATE " + self._name(name))
        except CommandRefused as error:
            if "EXISTS" not in str(error).upper():
                raise
        with contextlib.suppress(CommandRefused):
            self.command(b"SUBSCRIBE " + self._name(name))

    def append(
        self, name: bytes, size: int, pieces: Iterable[bytes], *, flags: Iterable[str] = (), received_at: int
    ) -> None:
        """Put a message into a folder, durable when this returns. Raises: CommandRefused, NetError."""
        chosen = b" ".join(flag.encode("ascii", "ignore") for flag in flags)
        start = b"APPEND " + self._name(name) + b" (" + chosen + b") " + write_internal_date(received_at)
        if self.can("LITERAL+"):
            tag = self._send(start + b" {%d+}" % size)
            self._lines.send_all(pieces)
        else:
            tag = self._send(start + b" {%d}" % size)
            answer = Answer()
            while not self._read_continue(tag, answer):
                pass
            self._lines.send_all(pieces)
        self._lines.send(b"\r\n")
        answer = Answer()
        while not self._take(tag, answer, words=b"APPEND"):
            pass

    def _read_continue(self, tag: bytes, answer: Answer) -> bool:
        parts = self._read_parts()
        first = text(parts[0])
        if first.startswith(b"+"):
            return True
        if first.startswith(b"* "):
            return False
        self._finish(tag, first, answer, b"APPEND")
        raise net.ProtocolBroken(f"{self._lines.where} takes a message before it was sent")

    def delete(self, uids: Sequence[int]) -> bool:
        """Remove messages of the folder that was opened to change it; False where others would have gone with them.

        Without UIDPLUS the only command removes all that anybody marked; then ours are unmarked again.
        """
        asked = write_set(uids)
        self.command(b"UID STORE " + asked + b" +FLAGS.SILENT (\\Deleted)")
        if self.can("UIDPLUS"):
            self.command(b"UID EXPUNGE " + asked)
            return True
        if set(self.search(b"DELETED")) <= set(uids):
            self.command(b"EXPUNGE")
            return True
        self.command(b"UID STORE " + asked + b" -FLAGS.SILENT (\\Deleted)")
        return False

    def _name(self, name: bytes) -> bytes:
        written = quoted(name)
        if written is not None:
            return written
        if self.can("LITERAL+"):
            return b"{%d+}\r\n%s" % (len(name), name)
        raise CommandRefused("the server names a folder in a way that it can't be asked for")


def _quote(word: str) -> bytes:
    written = quoted(word.encode())
    assert written is not None
    return written


def _fits_login(login: Login) -> bool:
    """Whether name and password can stand in a LOGIN; what can't goes as SASL PLAIN, which is UTF-8."""
    return quoted(login.user.encode()) is not None and quoted(login.password.encode()) is not None


def _parts(name: bytes, separator: bytes, prefix: bytes) -> tuple[str, ...]:
    """The names of a path as people read them. INBOX is itself whatever its case (RFC 3501 §5.1)."""
    if prefix and name.startswith(prefix) and len(name) > len(prefix):
        name = name[len(prefix) :]
    pieces = name.split(separator) if separator else [name]
    decoded = [from_utf7(piece.decode("utf-8", "replace")) for piece in pieces]
    if decoded[0].upper() == "INBOX":
        decoded[0] = "INBOX"
    return tuple(decoded)


def _prefixes(namespaces: Word) -> list[bytes]:
    """Of one list of an answer to NAMESPACE: `(("" "/")("#mh/" "/"))`, or NIL."""
    listed = namespaces if isinstance(namespaces, list) else []
    return [text(each[0]) for each in listed if isinstance(each, list) and each]


def _is_foreign(name: bytes, separator: bytes, own: Sequence[bytes], others: Sequence[bytes]) -> bool:
    """The longest prefix tells whose a name is: where all that isn't below `INBOX.` is shared, that one is empty."""
    if name.upper() == b"INBOX":
        return False

    def longest(prefixes: Sequence[bytes]) -> int:
        fitting = (len(each) for each in prefixes if name.startswith(each) or name + separator == each)
        return max(fitting, default=-1)

    return longest(others) > longest(own)


def _special(attributes: set[bytes]) -> str:
    for use in (b"trash", b"junk", b"drafts", b"sent", b"archive", b"all", b"flagged"):
        if b"\\" + use in attributes:
            return use.decode()
    return ""


def _shown(line: bytes) -> str:
    """What a server said, for people: one line, bounded, without what a terminal would obey."""
    said = line[:500].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "�" for character in said)
