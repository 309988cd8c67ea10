"""Lines and blocks of bytes over a connection that the gate let through, bounded in size and time.

Every error of the socket comes out as `net.NetError`. Not for what lines mean.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from archive.sources.model import SPOOL_OVER_BYTES
from archive.sources.spool import open_spool, rewind, write_spool
from config.kit import net

LONGEST_LINE = 64 << 20  # an answer to SEARCH in a folder of millions is one line
PIECE_BYTES = 256 << 10


class Lines:
    """Reads and writes one connection. Unbuffered until `settle`, so that nothing is read ahead of a TLS handshake."""

    def __init__(self, connection: net.Connection) -> None:
        self.connection = connection
        self._file: BinaryIO = _opened(connection, 0)

    @property
    def where(self) -> str:
        return f"{self.connection.host} port {self.connection.port}"

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on; what was slipped in before it breaks the handshake. Raises: NetError."""
        self._file.close()
        self.connection.start_tls(context)
        self._file = _opened(self.connection, 0)

    def settle(self) -> None:
        """No more TLS to start: read ahead from now on."""
        self._file.close()
        self._file = _opened(self.connection, PIECE_BYTES)

    def read_line(self) -> bytes:
        """One line without its end. Raises: NetError."""
        try:
            line = self._file.readline(LONGEST_LINE + 1)
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        if not line.endswith(b"\n"):
            if len(line) > LONGEST_LINE:
                raise net.ProtocolBroken(f"{self.where} sends a line without end")
            raise net.Unreachable(f"{self.where} closed the connection")
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]

    def read_block(self, size: int, spool_dir: Path) -> bytes | BinaryIO:
        """So many bytes; beyond 4 MiB in an anonymous file, at its beginning. Raises: NetError, SpoolFailed."""
        if size <= SPOOL_OVER_BYTES:
            return self._exactly(size)
        spool = open_spool(spool_dir)
        try:
            left = size
            while left:
                piece = self._exactly(min(left, PIECE_BYTES))
                write_spool(spool, piece)
                left -= len(piece)
            rewind(spool)
        except BaseException:
            spool.close()
            raise
        return spool

    def _exactly(self, size: int) -> bytes:
        try:
            data = self._file.read(size) or b""
            while len(data) < size and (more := self._file.read(size - len(data))):  # unbuffered reads may be short
                data += more
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        if len(data) < size:
            raise net.Unreachable(f"{self.where} closed the connection")
        return data

    def send(self, *pieces: bytes) -> None:
        """Raises: NetError."""
        try:
            self.connection.socket.sendall(b"".join(pieces))
        except OSError as error:
            raise self._broken(error) from error

    def send_all(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.send(piece)

    def close(self) -> None:
        self._file.close()
        self.connection.close()

    def _broken(self, error: OSError | ValueError) -> net.NetError:
        if isinstance(error, ValueError):  # the file was closed by a time-out before
            return net.Unreachable(f"{self.where} closed the connection")
        return net.translate(error, self.where)


def _opened(connection: net.Connection, buffer_bytes: int) -> BinaryIO:
    return cast(BinaryIO, connection.socket.makefile("rb", buffering=buffer_bytes))
