"""A conversation with a directory: ldap3's protocol over a connection of our own, bounded in bytes and time.

ldap3 would look the name up and connect by itself; here it speaks over the socket that the gate opened, and TLS is
ours, so that the certificate is checked against the name somebody configured. Referrals are never followed. Not for
what is asked (`ldap`).

Source: RFC 4511; RFC 4513 §3.1.1 (StartTLS), §5.1.2 (an empty password is no proof); RFC 2696 (paged results).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.strategy.base import BaseStrategy
from ldap3.strategy.sync import SyncStrategy

from accounts.sources import reaching
from accounts.sources.errors import SourceMisconfigured, SourceUnavailable
from accounts.sources.reaching import Deadline, Place, Security
from config.kit import net

START_TLS = "1.3.6.1.4.1.1466.20037"
PAGED = "1.2.840.113556.1.4.319"
MOST_BYTES = 64 << 20  # of one answer, which is a page of entries at most
PIECE_BYTES = 256 << 10
MOST_ENTRIES = 2_000_000  # of all pages
MOST_EMPTY = 1_000  # pages without anybody, one after the other: some directories send a few
SEARCH_ENTRY = 4  # RFC 4511 §4.5.2
SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT, INVALID_CREDENTIALS = 0, 4, 32, 49
BUSY = frozenset({51, 52})  # busy, unavailable
logger = logging.getLogger("postkeep.sources")
Entry = dict[str, Any]  # {"dn": …, "raw_attributes": {name in lower case: [bytes]}}


class _Bounded(SyncStrategy):  # type: ignore[misc]
    """Reads answers over a socket that is open already."""

    deadline: Deadline
    received = 0  # bytes of the answer to what is asked now, which may come in any pieces

    def _open_socket(self, address: Any, use_ssl: bool = False, unix_socket: bool = False) -> None:
        raise AssertionError("the socket is open")  # ldap3 connects nowhere by itself

    def decode_response_fast(self, ldap_message: dict[str, Any]) -> dict[str, Any]:
        """Of an entry only the bytes: ldap3 would make text of every value too, which takes half of the time."""
        if ldap_message["protocolOp"] != SEARCH_ENTRY:
            return dict(super().decode_response_fast(ldap_message))
        name, attributes = ldap_message["payload"]
        found = {
            kind[3].decode("ascii").lower(): [each[3] for each in values[3]]
            for kind, values in (each[3] for each in attributes[3])
        }
        return {"type": "searchResEntry", "dn": name[3].decode("utf-8", "replace"), "raw_attributes": found}

    def receiving(self) -> list[bytes]:
        """Whole messages, as they come. Raises: NetError."""
        waiting = bytearray()
        messages: list[bytes] = []
        while True:
            self.connection.socket.settimeout(self.deadline.left_s())
            piece = self.connection.socket.recv(PIECE_BYTES)
            if not piece:
                return messages
            waiting += piece
            self.received += len(piece)
            if self.received > MOST_BYTES:
                raise net.ProtocolBroken("the directory's answer doesn't end")
            at = 0
            while True:
                length = BaseStrategy.compute_ldap_message_size(bytes(waiting[at : at + 12]))
                if length == -1 or len(waiting) - at < length:
                    break
                messages.append(bytes(waiting[at : at + length]))
                at += length
            del waiting[:at]
            if not waiting:
                return messages


class Talk:
    """A connection to a directory. A context manager. timeout_s: for everything that is asked, unless renewed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        try:
            self._opened = reaching.connect(place)
        except net.NetError as error:
            raise SourceUnavailable.of(error) from error
        server = ldap3.Server(place.host, port=place.port, get_info=ldap3.NONE)
        self._ldap = ldap3.Connection(
            server, auto_bind=False, check_names=False, auto_referrals=False, auto_range=False, read_only=True,
            return_empty_attributes=False,
        )  # fmt: skip
        strategy = _Bounded(self._ldap)
        strategy.deadline = Deadline(place.timeout_s)
        strategy._outstanding = {}  # what opening sets where ldap3 opens
        for name in ("send", "open", "get_response", "post_send_single_response", "post_send_search"):
            setattr(self._ldap, name, getattr(strategy, name))
        self._strategy = self._ldap.strategy = strategy
        self._ldap.socket, self._ldap.closed, self._ldap.listening = self._opened.socket, False, True
        if place.security is Security.STARTTLS:
            try:
                self._start_tls()
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if not self._ldap.closed:
                self._ldap.unbind()
        self._opened.close()

    def renew(self, seconds: float) -> None:
        """Whatever comes next may take so long."""
        self._strategy.deadline = Deadline(seconds)

    def bind(self, dn: str, password: str) -> bool:
        """Whether the directory takes this name with this password; without a name, as nobody.

        A name without a password is refused here: a directory would say yes to it (RFC 4513 §5.1.2).
        Raises: SourceUnavailable.
        """
        if dn and not password:
            return False
        self._ldap.user, self._ldap.password = dn or None, password.encode() or None
        self._ldap.authentication = ldap3.SIMPLE if dn else ldap3.ANONYMOUS
        with self._translated():
            self._ldap.bind(read_server_info=False)
        if self._ldap.result["result"] in BUSY:
            raise SourceUnavailable(f"the directory is busy: {self._said()}")
        return bool(self._ldap.result["result"] == SUCCESS)

    def search(
        self, base: str, query: str, attributes: Sequence[str], *, most: int, may_be_gone: bool = False
    ) -> list[Entry]:
        """At most so many entries below a base; may_be_gone: none where there is no such base.

        Raises: SourceUnavailable, SourceMisconfigured.
        """
        with self._translated():
            self._ldap.search(
                base, query, ldap3.SUBTREE, ldap3.DEREF_NEVER, list(attributes), size_limit=most,
                time_limit=max(1, int(self._place.timeout_s)),
            )  # fmt: skip
        self._require(SUCCESS, SIZE_LIMIT, *([NO_SUCH_OBJECT] if may_be_gone else []))
        return [each for each in self._ldap.response or [] if each["type"] == "searchResEntry"][:most]

    def pages(self, base: str, query: str, attributes: Sequence[str], *, size: int) -> Iterator[list[Entry]]:
        """All entries below a base, a page at a time. Raises: SourceUnavailable, SourceMisconfigured."""
        cookie: bytes | None = None
        count = empty = 0
        while True:
            self.renew(self._place.timeout_s)
            with self._translated():
                self._ldap.search(
                    base, query, ldap3.SUBTREE, ldap3.DEREF_NEVER, list(attributes), paged_size=size,
                    paged_cookie=cookie, time_limit=max(1, int(self._place.timeout_s)),
                )  # fmt: skip
            self._require(SUCCESS)
            found = [each for each in self._ldap.response or [] if each["type"] == "searchResEntry"]
            count, empty = count + len(found), 0 if found else empty + 1
            if count > MOST_ENTRIES or empty > MOST_EMPTY:
                raise SourceUnavailable("the directory's answer doesn't end")
            yield found
            cookie = self._cookie()
            if not cookie:
                return

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One entry by its name, None where there is none. Raises: SourceUnavailable, SourceMisconfigured."""
        with self._translated():
            self._ldap.search(dn, "(objectClass=*)", ldap3.BASE, ldap3.DEREF_NEVER, list(attributes), size_limit=1)
        self._require(SUCCESS, NO_SUCH_OBJECT)
        return next((each for each in self._ldap.response or [] if each["type"] == "searchResEntry"), None)

    def matches(self, dn: str, query: str) -> bool:
        """Whether this entry is one that the filter finds. Raises: SourceUnavailable, SourceMisconfigured."""
        with self._translated():
            self._ldap.search(dn, query, ldap3.BASE, ldap3.DEREF_NEVER, ["1.1"], size_limit=1)
        self._require(SUCCESS, NO_SUCH_OBJECT)
        return any(each["type"] == "searchResEntry" for each in self._ldap.response or [])

    def _cookie(self) -> bytes | None:
        controls = self._ldap.result.get("controls") or {}
        found = controls.get(PAGED, {}).get("value", {}).get("cookie")
        return bytes(found) if found else None

    def _start_tls(self) -> None:
        with self._translated():
            self._ldap.extended(START_TLS)
        self._require(SUCCESS)
        try:
            self._ldap.socket = self._opened.start_tls(self._place.context())
        except net.NetError as error:
            raise SourceUnavailable.of(error) from error

    def _require(self, *results: int) -> None:
        found = self._ldap.result["result"]
        if found in BUSY:
            raise SourceUnavailable(f"the directory is busy: {self._said()}")
        if found not in results:
            raise SourceMisconfigured(f"the directory answers: {self._said()}")

    def _said(self) -> str:
        """The directory's own words, bounded and printable."""
        result = self._ldap.result
        text = f"{result.get('description', '')} {result.get('message', '')}".strip()
        return "".join(each if each.isprintable() else " " for each in text)[:200]

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of sockets and of ldap3 as ours; ldap3's texts are kept out, for they may repeat what was sent."""
        where = f"{self._place.host} port {self._place.port}"
        self._strategy.received = 0
        try:
            yield
        except net.NetError as error:
            raise SourceUnavailable.of(error) from error
        except OSError as error:
            raise SourceUnavailable.of(net.translate(error, where)) from error
        except LDAPException as error:
            if type(error).__name__ in ("LDAPInvalidFilterError", "LDAPInvalidDnError", "LDAPInvalidScopeError"):
                raise SourceMisconfigured("the filter or the base can't be read") from error
            logger.info("a directory at %s: %s", where, type(error).__name__)
            raise SourceUnavailable(f"{where} does not answer as a directory: {type(error).__name__}") from error
        except (IndexError, KeyError, TypeError, ValueError, UnicodeDecodeError, AttributeError) as error:
            # what ldap3 raises over bytes that are no LDAP
            raise SourceUnavailable(f"{where} does not answer as a directory: {type(error).__name__}") from error
