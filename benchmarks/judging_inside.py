"""What benchmarks.judging measures, in a process that knows Django: `python -m benchmarks.judging_inside`.

Prints {"ms": {name: milliseconds}, "told": {limit: precision, recall, counts}} as JSON; "told" only where
POSTKEEP_CORPORA has the labelled mails.
"""

from __future__ import annotations

import email
import ipaddress
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import policy as email_policy
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from statistics import median

import django

from benchmarks.judging import HAM, LIMITS, SPAM
from benchmarks.section import Result
from domains.policy.book import EMPTY
from domains.policy.evaluate import Recipient
from domains.policy.facts import Direction, Envelope
from domains.policy.mime import Head
from domains.policy.policy import Policy
from domains.policy.reading import read_message
from gateway.flow import Client

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from gateway.judging.authentication.checking import Authenticated  # noqa: E402
from gateway.judging.authentication.names import Found, NameCache  # noqa: E402
from gateway.judging.deciding import Law, decide  # noqa: E402
from gateway.judging.examining import Asked, examine  # noqa: E402
from gateway.judging.scoring.scoring import score  # noqa: E402
from gateway.judging.scoring.sight import sight_of  # noqa: E402
from gateway.judging.settings import ScannerSettings  # noqa: E402

TIMES = 400
_NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_FROM = re.compile(r"from (\S+)\s+\((?:(?:HELO|EHLO) \S+\) \()?(?:(\S*?) ?)?\[(\d+\.\d+\.\d+\.\d+)\]")


class _Memory(NameCache):
    """Names whose answers are there already: the sender's SPF record and mail host; nothing else exists."""

    def __init__(self) -> None:
        self._records = {
            ("friends.example", "TXT"): ("v=spf1 ip4:192.0.2.0/24 -all",),
            ("friends.example", "MX"): ("10 mail.friends.example",),
            ("_dmarc.friends.example", "TXT"): ("v=DMARC1; p=none",),
        }

    def ask(self, name: str, kind: str, until: float) -> Found:
        records = self._records.get((name, kind), ())
        return Found(records, bool(records))


def main() -> None:
    found: Result = {"ms": _costs()}
    folder = Path(os.environ.get("POSTKEEP_CORPORA", "")) / "spamassassin"
    if os.environ.get("POSTKEEP_CORPORA") and folder.is_dir():
        points = {name: [_points(file) for file in sorted((folder / name).iterdir())] for name in SPAM + HAM}
        found["told"] = {str(limit): _told(points, limit) for limit in LIMITS}
    print(json.dumps(found))


# --- what it costs ---


def _costs() -> dict[str, float]:
    raw = _message(7 * 1024)
    names, settings, law = _Memory(), ScannerSettings(), Law(Policy(), EMPTY, Recipient("ada@example.org"))
    client = Client("192.0.2.7", name="mail.friends.example", helo="mail.friends.example")
    asked = Asked(raw, "bob@friends.example", ("ada@example.org",), Direction.INCOMING, _NOW, client)

    def whole() -> None:
        decide(examine(asked, settings, names).facts, law)

    return {
        "inspect and judge, 7 KB": _ms(whole),
        "facts alone": _ms(partial(read_message, raw, Envelope())),
        "the standard library's parser alone": _ms(
            lambda: email.message_from_bytes(raw, policy=email_policy.default).get_body()
        ),
    }


def _ms(once: Callable[[], object]) -> float:
    """The median of TIMES runs in processor time, after one that isn't counted."""
    once()
    times = []
    for _round in range(TIMES):
        began = time.process_time_ns()
        once()
        times.append((time.process_time_ns() - began) / 1e6)
    return median(times)


def _message(size_bytes: int) -> bytes:
    """As people write them: a few headers, text and HTML, a link."""
    head = (
        "Received: from mail.friends.example (mail.friends.example [192.0.2.7])\r\n\tby mx.example.org; "
        "Mon, 2 Mar 2026 11:59:30 +0000\r\nFrom: Bob Builder <bob@friends.example>\r\nTo: Ada <ada@example.org>\r\n"
        "Subject: Plans for the harbour\r\nDate: Mon, 2 Mar 2026 11:59:00 +0000\r\nMessage-ID: <7@friends.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b1"\r\n\r\n'
    )
    line = "The lamps at the pier were lit at eight, and the keeper wrote the hour into his book.\r\n"
    text = line * (size_bytes // 2 // len(line))
    parts = (
        f"--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        "--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>"
        f'<a href="https://www.friends.example/harbour">Harbour</a></p><p>{text}</p></body></html>\r\n--b1--\r\n'
    )
    return (head + parts).encode()


# --- how well it tells ---


def _points(file: Path) -> float:
    raw = file.read_bytes()
    raw = raw.split(b"\n", 1)[1] if raw.startswith(b"From ") else raw
    read = read_message(raw, Envelope())
    head = read.parts.head
    read = replace(read, facts=replace(read.facts, received_at=_received_at(head)))
    name, helo = next(_clients(head), (None, ""))
    return score(sight_of(read, Authenticated(), client_name=name, helo=helo)).points


def _received_at(head: Head) -> datetime:
    try:
        return parsedate_to_datetime(head.first("received").rpartition(";")[2].strip())
    except (ValueError, TypeError):
        return _NOW


def _clients(head: Head) -> Iterator[tuple[str | None, str]]:
    """The name and HELO of those outside who brought it, the last one first, as the receiving servers noted them."""
    for value in head.all("received"):
        found = _FROM.search(value)
        if found is not None and not ipaddress.ip_address(found[3]).is_private:
            name = (found[2] or "").rpartition("@")[2].strip("(")
            yield ("" if name == "unknown" else name), found[1]


def _told(points: dict[str, list[float]], limit: float) -> Result:
    taken = {name: sum(each >= limit for each in found) for name, found in points.items()}
    spam, ham = sum(taken[name] for name in SPAM), sum(taken[name] for name in HAM)
    return {
        "precision": spam / (spam + ham),
        "recall": spam / sum(len(points[name]) for name in SPAM),
        "taken": taken,
        "of": {name: len(found) for name, found in points.items()},
    }


if __name__ == "__main__":
    main()
