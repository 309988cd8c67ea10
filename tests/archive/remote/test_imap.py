"""The IMAP client against a real Dovecot, and against a server that doesn't keep to the rules."""

from __future__ import annotations

import imaplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from archive.remote.connecting import Login, Security, Server
from archive.remote.errors import CommandRefused, LoginRefused
from archive.remote.imap import Folder, Imap
from archive.remote.imap_messages import items_of, message_of, usual_message
from archive.remote.imap_words import Literal, internal_date, words_of, write_internal_date, write_set
from archive.sources.model import SPOOL_OVER_BYTES
from config.kit import net
from tests.archive.remote.conftest import imaps, open_gate
from tests.dovecot_server import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, needs_dovecot

pytestmark = needs_dovecot


def folder_of(client: Imap, path: str) -> Folder:
    return next(folder for folder in client.folders() if folder.path == path)


def test_what_is_fetched_is_byte_for_byte_what_lies_there_and_stays_unread(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("bytes@example.org")
    garbage = b"Subject: \xff\xfe\x00 {12}\r\n\r\n)\r\n* 1 FETCH (UID 9 BODY[] {3}\r\n\x80\x81 \x00 end\r\n"
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (SPOOL_OVER_BYTES // 16 + 1) + b"\r\n"
    plain = b"Subject: hello\r\n\r\nworld\r\n"
    for raw, flags in ((plain, ""), (garbage, "SF"), (large, "S")):
        dovecot.deliver(who, raw, flags=flags, received_at=1_000_000_000)
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        client.open(folder_of(client, "INBOX"))
        found = list(client.fetch(client.search()))
        carried = garbage.replace(b"\x00", b"\x80")  # IMAP has no NUL; that is what Dovecot makes of it
        assert [each.content for each in found[:2]] == [plain, carried]
        assert found[2].content is None
        assert found[2].spool is not None
        assert found[2].spool.read() == large
        assert [each.received_at for each in found] == [1_000_000_000] * 3
        assert set(found[1].flags) - {"\\Recent"} == {"\\Seen", "\\Flagged"}
        assert client.search(b"UNSEEN") == [found[0].uid]


def test_folders_have_the_names_that_people_gave_them(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("folders@example.org")
    for name in ("Käse & Wein", "日本語.下", "a/b", 'quoted "so"', "back\\slash", "Trash"):
        dovecot.deliver(who, b"Subject: x\r\n\r\n", folder=name)
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        folders = client.folders()
        assert {folder.parts for folder in folders} == {
            ("INBOX",), ("Käse & Wein",), ("日本語", "下"), ("a/b",), ('quoted "so"',), ("back\\slash",), ("Trash",),
        }  # fmt: skip
        assert {folder.special for folder in folders if folder.special} == {"trash"}
        for folder in folders:
            assert client.open(folder).messages == (0 if folder.parts == ("INBOX",) else 1)


@pytest.mark.parametrize("security", list(Security))
def test_every_way_of_encryption_works(dovecot: Dovecot, spool: Path, security: Security) -> None:
    who = dovecot.add_user("ways@example.org")
    port = dovecot.imaps if security is Security.TLS else dovecot.imap
    server = Server("127.0.0.1", port, security, ca_pem=dovecot.authority.pem)
    with Imap(server, Login(who, PASSWORD), spool_dir=spool) as client:
        assert client.can("UIDPLUS")


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_nobody_vouches_for_is_refused_unless_it_is_not_to_be_checked(
    dovecot: Dovecot, spool: Path, security: Security
) -> None:
    who = dovecot.add_user("trust@example.org")
    port = dovecot.imaps if security is Security.TLS else dovecot.imap
    with pytest.raises(net.TlsFailed) as refused:
        Imap(Server("127.0.0.1", port, security), Login(who, PASSWORD), spool_dir=spool)
    assert refused.value.untrusted
    with Imap(Server("127.0.0.1", port, security, verify=False), Login(who, PASSWORD), spool_dir=spool):
        pass


def test_the_gate_is_asked(dovecot: Dovecot, spool: Path, settings: Settings) -> None:
    settings.ALLOWED_RELAYS = ()
    with pytest.raises(net.RefusedByGate):
        Imap(imaps(dovecot), Login("x", "y"), spool_dir=spool)


def test_signing_in_by_password_master_user_and_token(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("signs@example.org", 'pass "word" \\ with blanks')
    dovecot.tokens.known["good"] = who
    dovecot.deliver(who, b"Subject: mine\r\n\r\n")
    logins = [
        Login(who, 'pass "word" \\ with blanks'),
        Login(MASTER, MASTER_PASSWORD, act_for=who),
        Login(f"{who}*{MASTER}", MASTER_PASSWORD),
        Login(who, token="good"),
    ]
    for login in logins:
        with Imap(imaps(dovecot), login, spool_dir=spool) as client:
            assert client.open(folder_of(client, "INBOX")).messages == 1
    umlauts = dovecot.add_user("umlauts@example.org", "pässwörd")
    with Imap(imaps(dovecot), Login(umlauts, "pässwörd"), spool_dir=spool):
        pass


def test_a_refused_password_is_named_as_one_and_stands_in_no_error(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("refused@example.org")
    for login in (Login(who, "wrong secret"), Login(who, token="wrong-token")):
        with pytest.raises(LoginRefused) as refused:
            Imap(imaps(dovecot), login, spool_dir=spool)
        assert "wrong" not in str(refused.value)


def test_appending_keeps_bytes_flags_and_date(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("appends@example.org")
    raw = b"Subject: put\r\n\r\n\xff\xfe body\r\n"
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        client.make_folder(b"Kept.Deep")
        client.make_folder(b"Kept.Deep")
        client.append(b"Kept.Deep", len(raw), [raw[:5], raw[5:]], flags=["\\Seen", "$Work"], received_at=1_111_111_111)
        client.open(folder_of(client, "Kept/Deep"))
        (found,) = client.fetch(client.search())
        assert (found.content, found.received_at) == (raw, 1_111_111_111)
        assert set(found.flags) - {"\\Recent"} == {"\\Seen", "$Work"}


def test_deleting_takes_exactly_what_was_named(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("deletes@example.org")
    for number in range(5):
        dovecot.deliver(who, b"Subject: %d\r\n\r\n" % number, flags="T" if number == 4 else "")
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        client.open(folder_of(client, "INBOX"), to_change=True)
        uids = client.search()
        assert client.delete(uids[1:3])
        assert client.search() == [uids[0], uids[3], uids[4]]


def test_what_vanishes_between_search_and_fetch_just_does_not_come(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("vanishes@example.org")
    for number in range(3):
        dovecot.deliver(who, b"Subject: %d\r\n\r\n" % number)
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        client.open(folder_of(client, "INBOX"))
        uids = client.search()
        other = imaplib.IMAP4("127.0.0.1", dovecot.imap)
        other.login(who, PASSWORD)
        other.select()
        other.store("2", "+FLAGS", "\\Deleted")
        other.expunge()
        other.logout()
        assert [each.uid for each in client.fetch(uids)] == [uids[0], uids[2]]


def test_headings_tell_of_messages_without_their_bodies(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("headings@example.org")
    raw = b"Message-ID: <one@example.org>\r\nSubject: x\r\n\r\nbody\r\n"
    dovecot.deliver(who, raw, received_at=1_000_000_000)
    dovecot.deliver(who, b"Subject: none\r\n\r\n")
    with Imap(imaps(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        client.open(folder_of(client, "INBOX"))
        first, second = client.headings(client.search())
        assert (first.message_id, first.size, first.received_at) == ("<one@example.org>", len(raw), 1_000_000_000)
        assert second.message_id == ""


# --- servers that don't keep to the rules ------------------------------------------------------------------------


@contextmanager
def saying(*answers: bytes) -> Iterator[int]:
    """A server that greets, then says one of these for each line it hears, and closes."""
    listener = create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, client.makefile("rb") as lines:
            client.settimeout(5)
            client.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n")
            for answer in answers:
                line = lines.readline()
                client.sendall(answer.replace(b"TAG", line.split(b" ")[0]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


LOGGED_IN = b"TAG OK in\r\n"


def test_a_server_that_hangs_up_is_a_broken_connection(dovecot: Dovecot, spool: Path, settings: Settings) -> None:
    selected = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\nTAG OK [READ-ONLY] done\r\n"
    half = b"* 1 FETCH (UID 1 FLAGS () BODY[] {10}\r\n0123456789)\r\n* 2 FETCH (UID 2 BODY[] {99}\r\nhalf"
    with saying(LOGGED_IN, selected, half) as port:
        open_gate(settings, dovecot, port)
        client = Imap(Server("127.0.0.1", port, Security.NONE), Login("a", "b"), spool_dir=spool)
        seen = client.open(Folder(b"INBOX", ("INBOX",)))
        assert (seen.validity, seen.next_uid, seen.messages) == (7, 4, 3)
        came: list[bytes | None] = []
        with pytest.raises(net.Unreachable):
            came.extend(each.content for each in client.fetch([1, 2, 3]))
        assert came == [b"0123456789"]
        with pytest.raises(net.NetError):
            client.search()


@pytest.mark.parametrize(
    ("namespaces", "foreign"),
    [
        (b'(("" "/")) (("user/" "/")) (("Shared/" "/"))', ["Shared", "Shared/Team", "user/bob", "user/me/Work"]),
        (b'(("" "/") ("user/me/" "/")) (("user/" "/")) NIL', ["user/bob"]),
        (b'(("INBOX/" "/")) NIL (("" "/"))', ["Shared", "Shared/Team", "Work", "user/bob", "user/me/Work"]),
        (b'(("" "/")) NIL NIL', []),
    ],
)
def test_whose_a_folder_is_the_longest_prefix_tells(
    dovecot: Dovecot, spool: Path, settings: Settings, namespaces: bytes, foreign: list[str]
) -> None:
    names = (b"INBOX", b"INBOX/Old", b"Work", b"user/bob", b"user/me/Work", b"Shared", b"Shared/Team")
    listed = b"".join(b'* LIST () "/" "%s"\r\n' % name for name in names) + b"TAG OK done\r\n"
    told = b"* NAMESPACE " + namespaces + b"\r\nTAG OK done\r\n"
    with saying(b"TAG OK [CAPABILITY IMAP4rev1 NAMESPACE] in\r\n", listed, told) as port:
        open_gate(settings, dovecot, port)
        client = Imap(Server("127.0.0.1", port, Security.NONE), Login("a", "b"), spool_dir=spool)
        assert sorted(each.name.decode() for each in client.folders() if each.is_foreign) == foreign


def test_other_orders_quoted_bodies_and_news_in_between_are_understood(
    dovecot: Dovecot, spool: Path, settings: Settings
) -> None:
    told = (
        b'* 5 EXISTS\r\n* 1 FETCH (BODY[] {5}\r\nfirst UID 1 INTERNALDATE "01-Feb-2003 04:05:06 +0100")\r\n'
        b"* 2 FETCH (FLAGS (\\Seen))\r\n* 2 EXPUNGE\r\n"
        b'* 3 FETCH (UID 3 BODY[] "quoted \\"body\\"" FLAGS (a b))\r\n* 4 FETCH (UID 4 BODY[] NIL)\r\nTAG OK done\r\n'
    )
    with saying(LOGGED_IN, told) as port:
        open_gate(settings, dovecot, port)
        client = Imap(Server("127.0.0.1", port, Security.NONE), Login("a", "b"), spool_dir=spool)
        found = list(client.fetch([1, 2, 3, 4]))
        assert [(each.uid, each.content) for each in found] == [(1, b"first"), (3, b'quoted "body"')]
        assert found[0].received_at == 1_044_068_706


def test_without_uidplus_nothing_goes_that_others_have_marked(
    dovecot: Dovecot, spool: Path, settings: Settings
) -> None:
    answers = [LOGGED_IN, b"TAG OK marked\r\n", b"* SEARCH 1 2 9\r\nTAG OK found\r\n", b"TAG OK unmarked\r\n"]
    with saying(*answers) as port:
        open_gate(settings, dovecot, port)
        client = Imap(Server("127.0.0.1", port, Security.NONE), Login("a", "b"), spool_dir=spool)
        assert client.delete([1, 2]) is False


def test_a_command_that_is_refused_says_what_the_server_said(dovecot: Dovecot, spool: Path, settings: Settings) -> None:
    with saying(LOGGED_IN, b"TAG NO [NONEXISTENT] no such \x1b[31mfolder\r\n") as port:
        open_gate(settings, dovecot, port)
        client = Imap(Server("127.0.0.1", port, Security.NONE), Login("a", "b"), spool_dir=spool)
        with pytest.raises(CommandRefused, match="no such") as refused:
            client.open(Folder(b"gone", ("gone",)))
        assert "\x1b" not in str(refused.value)


# --- words -------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.binary(max_size=40), st.builds(lambda b: Literal(b, len(b)), st.binary(max_size=9)))))
def test_no_answer_breaks_the_reading_of_words(parts: list[bytes | Literal]) -> None:
    words_of(parts)


@given(st.integers(min_value=0, max_value=253_402_300_799))
def test_a_date_comes_back_as_it_was_written(seconds: int) -> None:
    assert internal_date(write_internal_date(seconds).strip(b'"')) == seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (b"17-Jul-1996 02:44:25 -0700", 837_596_665),
        (b" 1-Jan-2020 23:59:60 +0530", 1_577_903_399),
        (b"31-Feb-2020 00:00:00 +0000", None),
        (b"01-Foo-2020 00:00:00 +0000", None),
        (b"01-Jan-0000 00:00:00 +0000", None),
        (b"01-Jan-2020 24:00:00 +0000", None),
        (b"01-Jan-2020 23:60:00 +0000", None),
        (None, None),
    ],
)
def test_a_date_is_read_as_it_stands_or_not_at_all(written: bytes | None, seconds: int | None) -> None:
    assert internal_date(written) == seconds


ITEMS = [
    b"UID 7", b"UID 99999999999999999999", b"uid 8", b"FLAGS (\\Seen $Forwarded)", b"FLAGS ()",
    b"FLAGS (NIL [x] \"a\")",
    b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"', b'INTERNALDATE "never"', b"INTERNALDATE NIL", b"MODSEQ (12)",
]  # fmt: skip
SAID = st.lists(st.sampled_from(ITEMS), max_size=5, unique_by=lambda item: item.split(b" ")[0].upper())


@given(before=SAID, name=st.sampled_from([b"BODY[]", b"body[]", b"BODY[TEXT]"]), after=SAID)
def test_the_short_way_to_a_message_says_what_the_long_one_says(
    before: list[bytes], name: bytes, after: list[bytes]
) -> None:
    head = b" ".join([*before, name])
    tail = b"".join(b" " + item for item in after)
    parts: list[bytes | Literal] = [b"3 FETCH (" + head + b" ", Literal(b"mail", 4), tail + b")"]
    short = usual_message(parts)
    assert short is None or short == message_of(items_of(parts))
    if name != b"BODY[TEXT]" and {b"UID 7", b"FLAGS ()"} == set(before) and not after:
        assert short is not None


@given(st.sets(st.integers(min_value=1, max_value=300)))
def test_a_set_names_exactly_its_numbers(uids: set[int]) -> None:
    named: set[int] = set()
    for run in write_set(sorted(uids)).decode().split(","):
        first, _, last = run.partition(":")
        named.update(range(int(first), int(last or first) + 1) if first else ())
    assert named == uids
