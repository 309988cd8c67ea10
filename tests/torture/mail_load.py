"""What goes into a gateway under torture and what comes out: mail servers that try until they hear a 250, and the sink
that the relay leads to. Not for what the gateway itself knows of it (`books`).
"""

from __future__ import annotations

import re
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from tests.smtp_server import Behaviour, SmtpServer

SENDERS, SETTLED_S, PATIENCE_S = 4, 60.0, 20.0
PICKY = "cleo@picky.example"  # a policy that refuses all that is sent here
TAKING = Behaviour(extensions=("8BITMIME", "PIPELINING"), replies={"RCPT TO:<GONE@": "550 5.1.1 no such user"})


class Senders:
    """Like mail servers: they try again until they hear a 250. Every third is blocked, every fifth comes back."""

    def __init__(self, port: int) -> None:
        self._port, self._stopped = port, threading.Event()
        self._numbers = iter(range(1 << 30))
        self._lock = threading.Lock()
        self.accepted: dict[int, str] = {}  # number -> recipient
        self.unheard = 0  # messages whose answer was lost
        self.heard = Counter[str]()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _each in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = SETTLED_S) -> None:
        """After everyone has heard a 250 for what they are at."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(patience_s)
            assert not thread.is_alive(), self.heard

    def wait_for_more(self) -> None:
        """Until somebody has heard another 250."""
        before, until = len(self.accepted), time.monotonic() + SETTLED_S
        while len(self.accepted) == before:
            assert time.monotonic() < until, self.heard
            time.sleep(0.01)

    def end(self) -> None:
        """Whatever they are at."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                number = next(self._numbers)
            while not self._sent(number):
                time.sleep(0.05)

    def _sent(self, number: int) -> bool:
        sender = "eve@evil.example" if number % 3 == 0 else "bob@friends.example"
        to = "gone@example.org" if number % 5 == 0 else "ada@example.org"
        text = (
            f"From: {sender}\r\nTo: {to}\r\nDate: Mon, 30 Nov 2026 04:00:00 +0000\r\n"
            f"Message-ID: <n{number}@friends.example>\r\nSubject: n{number}.\r\n\r\nHello.\r\n"
        )
        try:
            client = smtplib.SMTP("127.0.0.1", self._port, "client.example.net", timeout=PATIENCE_S)
            try:
                is_taken = self._handed_over(client, sender, [to, PICKY] if number % 7 == 0 else [to], text)
            finally:
                client.close()  # a QUIT that fails takes no 250 back
        except (OSError, smtplib.SMTPException) as error:
            is_taken = self._note(repr(error))
        if is_taken:
            with self._lock:
                self.accepted[number] = to
        return is_taken

    def _handed_over(self, client: smtplib.SMTP, sender: str, to: list[str], text: str) -> bool:
        client.ehlo()
        steps: list[Callable[[], tuple[int, bytes]]] = [
            partial(client.mail, sender),
            *(partial(client.rcpt, each) for each in to),
            partial(client.docmd, "DATA"),
        ]
        for code, said in (ask() for ask in steps):
            if code not in (250, 354):
                return self._note(f"{code} {said.decode()}")
        try:
            client.send(f"{text}.\r\n".encode())
            code, said = client.getreply()
        except (OSError, smtplib.SMTPException):
            with self._lock:
                self.unheard += 1
            raise
        return code == 250 or self._note(f"{code} {said.decode()}")

    def _note(self, text: str) -> bool:
        with self._lock:
            self.heard[text] += 1
        return False


class Sink(SmtpServer):
    """Where the relay leads; when it dies its connections are cut, wherever they are."""

    def __init__(self, behaviour: Behaviour, address: str, port: int) -> None:
        self.clients: list[socket.socket] = []
        super().__init__(behaviour, address, port)

    def _serve(self, client: socket.socket) -> None:
        self.clients.append(client)
        super()._serve(client)

    def die(self) -> None:
        for client in self.clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.close()


def arrived_at(sinks: Iterable[Sink]) -> Counter[int]:
    """What came to the sink, by its number, over all its lives."""
    text = "\n".join(mail for sink in sinks for mail in sink.mails)
    return Counter(int(number) for number in re.findall(r"^Subject: n(\d+)\.", text, re.MULTILINE))
