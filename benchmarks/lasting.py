"""What the gateway's processes need for a long time and for large messages.

A long run: 7 KB messages one after another (200,000; with --huge 1,000,000), all taken, judged, queued and delivered
to a sink; the memory of the gateway and of delivery is looked at ten times on the way, when the queue is empty. Large
ones: 20 connections at once, each with one message of 50 MB: bytes nobody can read, a long text, a zip. Proportional
bytes (PSS) of all processes of the part. Needs Postfix's programs (Debian: postfix). Not for speed (`passing`).
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import smtplib
import threading
import time
import zipfile
from pathlib import Path

from benchmarks.figures import Target, table
from benchmarks.house import House, proportional
from benchmarks.passing import SETTING_UP, drained, inside, load, sink
from benchmarks.section import Bench, Result

TITLE = "Gateway, memory"
MESSAGES, HUGE_MESSAGES, LOOKS = 200_000, 1_000_000, 10
CONNECTIONS, LARGE_BYTES, LIMIT_MB = 20, 50_000_000, 100
MOST_MIB, MOST_GROWTH = 600.0, 1.10
LARGE_S = 600.0
PARTS = {"gateway": "gateway", "deliver": "delivery"}
LARGER = f"""
from accounts.actors import Actor
from domains.models import Domain
from domains.services import policies
policies.update_policy(Actor.system(), Domain.objects.get().default_policy, {{"mail_size_limit_mb": {LIMIT_MB}}})
"""


def measure(bench: Bench, known: Result) -> Result:
    if shutil.which("smtp-source") is None or shutil.which("smtp-sink") is None:
        bench.say("gateway: smtp-source and smtp-sink are not installed (Debian: apt install postfix)")
        return {}
    found: Result = {}
    with sink() as port, bench.scratch("lasting") as home:
        more = {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8", "POSTKEEP_ALLOWED_PORTS": str(port)}
        with House(home, **more) as house:
            inside(home, SETTING_UP % {"port": port})
            inside(home, LARGER)
            found["idle_bytes"] = _memory(house)
            found["long"] = _long(bench, house, home, HUGE_MESSAGES if bench.huge else MESSAGES)
            found["large"] = {kind: _large(bench, house, home, kind) for kind in ("binary", "text", "zip")}
    return found


def _long(bench: Bench, house: House, home: Path, messages: int) -> list[Result]:
    looks: list[Result] = []
    for number in range(1, LOOKS + 1):
        load(house.smtp_port, messages // LOOKS)
        drained(home, number * (messages // LOOKS))
        looks.append({"messages": number * (messages // LOOKS), "bytes": _memory(house)})
        bench.say(f"gateway, memory: {looks[-1]}")
    return looks


def _large(bench: Bench, house: House, home: Path, kind: str) -> Result:
    """Peaks while they come and until they have left, and what was answered."""
    before = json.loads(inside(home, "import json\nfrom gateway.models import Message\nprint(Message.objects.count())"))
    text, answers, peak, over = _text(kind), [], dict.fromkeys(PARTS, 0), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for part, size in _memory(house).items():
                peak[part] = max(peak[part], size)

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", house.smtp_port, "bench.example.net", timeout=LARGE_S) as client:
            client.ehlo()
            client.mail("bob@friends.example")
            client.rcpt("ada@bench.example.org")
            client.docmd("DATA")
            client.send(f"Message-ID: <{kind}{number}@friends.example>\r\n".encode())
            client.send(text)
            answers.append(client.getreply()[0])

    begun = time.monotonic()
    watching = threading.Thread(target=watch)
    watching.start()
    threads = [threading.Thread(target=send, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken_s = time.monotonic() - begun
    drained(home, before + CONNECTIONS)
    over.set()
    watching.join()
    found = {"taken": answers.count(250), "taken_s": taken_s, "left_s": time.monotonic() - begun, "peak_bytes": peak}
    bench.say(f"gateway, memory: {kind} {found}")
    return found


def _text(kind: str) -> bytes:
    head = b"From: bob@friends.example\r\nTo: ada@bench.example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
    if kind == "text":
        line = b"a long text that somebody wrote, line after line, about this and that\r\n"
        return head + b"\r\n" + line * (LARGE_BYTES // len(line)) + b".\r\n"
    data = os.urandom(LARGE_BYTES * 54 // 74)
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("numbers.dat", data)
        data = packed.getvalue()
    named = f"Content-Type: application/octet-stream; name=large.{'zip' if kind == 'zip' else 'dat'}\r\n".encode()
    lines = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return head + named + b"Content-Transfer-Encoding: base64\r\n\r\n" + lines + b".\r\n"


def _memory(house: House) -> dict[str, int]:
    return {part: sum(proportional(each) for each in house.child(name)) for part, name in PARTS.items()}


def _mib(size: float) -> str:
    return f"{size / (1 << 20):,.0f}"


def tables(found: Result) -> str:
    if not found:
        return ""
    rows = [("idle", _mib(found["idle_bytes"]["gateway"]), _mib(found["idle_bytes"]["deliver"]))]
    rows += [
        (f"after {look['messages']:,} messages", _mib(look["bytes"]["gateway"]), _mib(look["bytes"]["deliver"]))
        for look in found["long"]
    ]
    rows += [
        (
            f"{CONNECTIONS} × 50 MB at once, {kind}: {one['taken']} taken in {one['taken_s']:,.0f} s (peak)",
            _mib(one["peak_bytes"]["gateway"]),
            _mib(one["peak_bytes"]["deliver"]),
        )
        for kind, one in found["large"].items()
    ]
    return table(("", "gateway, MiB PSS", "delivery, MiB PSS"), rows)


def targets(found: Result) -> list[Target]:
    if not found:
        return []
    looks, large = found["long"], found["large"].values()
    growth = looks[-1]["bytes"]["gateway"] / looks[0]["bytes"]["gateway"]
    peak = max(one["peak_bytes"]["gateway"] for one in large) / (1 << 20)
    return [
        Target(f"gateway's memory after {looks[-1]['messages']:,} messages ÷ after a tenth", growth, MOST_GROWTH, " ×"),
        Target("gateway with 20 × 50 MB at once", peak, MOST_MIB, " MiB"),
    ]
