"""The PWD server on a port of loopback, within the test's own transaction: its sessions and their event loop are the
product's, in a thread; what asks the database runs in the test's thread, where its rows are. Clients have one, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from api.communigate.house import PwdHouse
from api.communigate.process import Server
from api.communigate.pwd.door import Limits, Settings
from gateway.reception import selfsigned
from gateway.smtp.tls import Certificates

T = TypeVar("T")
NAME = "mail.server.example"
_CERTIFICATES = Certificates(selfsigned.make(NAME))


Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_PATIENCE_S = 90.0


class _Here:
    """Hands what otherwise runs in threads with connections of their own to the test's thread."""

    def __init__(self, works: queue.Queue[Work | None]) -> None:
        self._works = works

    async def run(self, work: Callable[[], Any]) -> Any:
        done = asyncio.get_running_loop().create_future()
        self._works.put((work, done))
        return await done

    def stop(self) -> None: ...


def serving(client: Callable[[int], T], *, limits: Limits | None = None) -> T:
    """What `client(port)` returns or raises, run against a server whose event loop has a thread of its own."""
    works: queue.Queue[Work | None] = queue.Queue()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(_serve(client, limits or Limits(), _Here(works))))
        except BaseException as error:
            errors.append(error)
        finally:
            works.put(None)

    threading.Thread(target=run, daemon=True).start()
    while (found := works.get(timeout=_PATIENCE_S)) is not None:
        _work(*found)
    if errors:
        raise errors[0]
    return results[0]


def _work(work: Callable[[], Any], done: asyncio.Future[Any]) -> None:
    def tell(found: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(found) if error is None else done.set_exception(error)

    said: tuple[Any, BaseException | None]
    try:
        said = work(), None
    except Exception as error:
        said = None, error
    with contextlib.suppress(RuntimeError):  # the client went and the server with it, while this was done for it
        done.get_loop().call_soon_threadsafe(tell, *said)


async def _serve(client: Callable[[int], T], limits: Limits, here: _Here) -> T:
    house = PwdHouse()
    house._threads.stop()
    house._threads = here  # type: ignore[assignment]
    server = Server(house, NAME, _CERTIFICATES.context)
    server._settings = Settings(name=NAME, version="6.3.0", tls=_CERTIFICATES.context, limits=limits)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        listening.setblocking(False)
        await server.listen(listening)
        try:
            return await asyncio.wait_for(_in_thread(client, port), 60)
        finally:
            await server.stop()


def _in_thread(client: Callable[[int], T], port: int) -> asyncio.Future[T]:
    """In a thread that holds nothing up where a client waits for ever."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(found: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(found) if error is None else done.set_exception(error)

    def run() -> None:
        try:
            found = client(port)
        except BaseException as error:
            loop.call_soon_threadsafe(tell, None, error)
        else:
            loop.call_soon_threadsafe(tell, found, None)

    threading.Thread(target=run, daemon=True).start()
    return done


class Client:
    """Lines out, lines in."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.banner = self.line()

    def line(self) -> str:
        raw = self.file.readline()
        assert not raw or raw.endswith(b"\r\n"), raw
        return raw.decode().removesuffix("\r\n")

    def send(self, *lines: str, end: str = "\n") -> None:
        self.socket.sendall("".join(f"{line}{end}" for line in lines).encode())

    def ask(self, line: str, end: str = "\n") -> str:
        self.send(line, end=end)
        return self.line()

    def sign_in(self, name: str, password: str) -> str:
        assert self.ask(f"USER {name}").startswith("300 ")
        return self.ask(f"PASS {password}")

    def is_closed(self) -> bool:
        return self.file.readline() == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()
