"""Mail through the whole gateway beside others: taken by SMTP, judged, durable, queued, delivered to a sink.

Beside it, in the same run under the same load: smtp-sink alone, aiosmtpd that forgets what it takes, and Postfix that
queues it for a sink (`benchmarks.passing_peers`). Seconds are by the clock, of a machine that does nothing else; what a
message costs in processor time hardly depends on that.

The load is Postfix's smtp-source: 20 connections, 7 KB each, one message per transaction. The gateway runs as
`manage.py up` does it, two processes, built-in scorer. Then the same once more with delivery stopped until all is in
the queue, which says how fast a backlog leaves; and at half the rate, how long the 250 takes after the final dot.
Needs Postfix's programs (Debian: postfix). Not for parts by themselves.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from benchmarks.figures import Target, table
from benchmarks.house import ROOT, House, clean_environment, free_port
from benchmarks.passing_peers import running_aiosmtpd, running_postfix_queue
from benchmarks.section import Bench, Result

TITLE = "Gateway"
CONNECTIONS, BYTES, MESSAGES, ALONE, OF_PEERS = 20, 7 * 1024, 10_000, 40_000, 5_000
DRAINED_S = 300.0
LEAST_SHARE, LEAST_DELIVERED, MOST_P99_MS = 0.10, 300.0, 250.0
HALF_LOAD_S = 20.0
SETTING_UP = """
import json
from accounts.actors import Actor
from domains.services import policies, relays
from domains.services.domains import create_domain
from domains.services.mailboxes import create_mailbox
system = Actor.system()
domain = create_domain(system, name="bench.example.org")
values = {"name": "sink", "transport_dest": "127.0.0.1", "transport_type": "SMTP", "transport_port": %(port)d}
relays.create_relay(system, domain, values)
# smtp-source writes like a program for mass mail: what is measured shall leave all the same
values = {"quarantine": True, "spam_score": 1000.0, "relay_props.spam_score_limit": 1000.0}
policies.update_policy(system, domain.default_policy, values)
create_mailbox(system, domain, email="ada@bench.example.org")
print(json.dumps("ready"))
"""
LOOKING = """
import json
from gateway.models import Message, QueueItem, Recipient
states = {state: Recipient.objects.filter(state=state).count() for state in Recipient.State.values}
print(json.dumps({"messages": Message.objects.count(), "waiting": QueueItem.objects.count(), "states": states}))
"""


def measure(bench: Bench, known: Result) -> Result:
    if shutil.which("smtp-source") is None or shutil.which("smtp-sink") is None:
        bench.say("gateway: smtp-source and smtp-sink are not installed (Debian: apt install postfix)")
        return {}
    found: Result = {"rounds": []}
    with sink() as port, bench.scratch("gateway") as home:
        found["peers"] = _peers(port)
        bench.say(f"gateway: {found['peers']}")
        more = {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8", "POSTKEEP_ALLOWED_PORTS": str(port)}
        with House(home, **more) as house:
            inside(home, SETTING_UP % {"port": port})
            load(house.smtp_port, 500)  # warm: pools, caches, statements
            for _round in range(bench.rounds):
                alone = ALONE / load(port, ALONE)
                before = json.loads(inside(home, LOOKING))
                begun, cost = time.monotonic(), _costs(house)
                taken_s = load(house.smtp_port, MESSAGES)
                taking = _costs(house)
                memory = sum(_memory(each) for each in house.child("gateway"))
                after = drained(home, before["messages"] + MESSAGES)
                found["rounds"].append(
                    {
                        "alone": alone,
                        "taken": MESSAGES / taken_s,
                        "delivered": MESSAGES / (time.monotonic() - begun),
                        "memory_bytes": memory,
                        "taking_ms": _per_message(cost, taking),
                        "all_ms": _per_message(cost, _costs(house)),
                        "states": after["states"],
                    }
                )
                bench.say(f"gateway: {found['rounds'][-1]}")
            found["backlog"] = _backlog(house, home)
            found["half_load_ms"] = _half_load(house.smtp_port, found["rounds"][-1]["taken"] / 2)
            bench.say(f"gateway: backlog {found['backlog']}, at half load {found['half_load_ms']}")
    return found


def _peers(sink_port: int) -> Result:
    """What others take under the same load, messages/s, the middle of three; none of those that aren't installed."""
    found: Result = {}
    for name, running in (("aiosmtpd", running_aiosmtpd()), ("postfix", running_postfix_queue(sink_port))):
        with running as port:
            if port is not None:
                load(port, 500)
                found[name] = median(OF_PEERS / load(port, OF_PEERS) for _round in range(3))
    return found


def _costs(house: House) -> dict[str, float]:
    """Seconds of processors that the parts have used since they began, with what they started and saw end."""
    return {part: sum(map(_processor_s, house.child(part))) for part in ("gateway", "delivery", "postgres")}


def _processor_s(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def _per_message(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {part: 1000 * (after[part] - before[part]) / MESSAGES for part in before}


def _backlog(house: House, home: Path) -> Result:
    """How fast messages that wait leave when nothing else comes in, messages/s, and how fast they came meanwhile."""
    delivering = house.child("delivery")
    before = json.loads(inside(home, LOOKING))
    for process in delivering:
        process.suspend()
    try:
        taken_s = load(house.smtp_port, MESSAGES)
    finally:
        for process in delivering:
            process.resume()
    begun = time.monotonic()
    drained(home, before["messages"] + MESSAGES)
    return {"taken": MESSAGES / taken_s, "left": MESSAGES / (time.monotonic() - begun)}


def _half_load(port: int, per_second: float) -> Result:
    """Milliseconds from the final dot to the 250 while messages come at this rate over 20 connections."""
    waits: list[float] = []
    until, pause_s = time.monotonic() + HALF_LOAD_S, CONNECTIONS / per_second
    threads = [threading.Thread(target=_paced, args=(port, until, pause_s, waits)) for _each in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
        time.sleep(pause_s / CONNECTIONS)
    for thread in threads:
        thread.join()
    waits.sort()
    return {
        "wanted_per_second": per_second,
        "sent_per_second": len(waits) / HALF_LOAD_S,
        **{f"p{part}": waits[min(len(waits) * part // 100, len(waits) - 1)] for part in (50, 95, 99)},
    }


def _paced(port: int, until: float, pause_s: float, waits: list[float]) -> None:
    lines = [f"{number:04d} {'x' * 70}" for number in range(BYTES // 77)]
    text = "\r\n".join(["From: bob@friends.example", "Subject: half", "", *lines, "."]).encode() + b"\r\n"
    due = time.monotonic()
    while due < until:
        time.sleep(max(0.0, due - time.monotonic()))
        due += pause_s
        with smtplib.SMTP("127.0.0.1", port, "bench.example.net", timeout=60) as client:
            client.ehlo()
            client.mail("bob@friends.example")
            client.rcpt("ada@bench.example.org")
            client.docmd("DATA")
            begun = time.monotonic()
            client.send(text)
            if client.getreply()[0] == 250:
                waits.append(1000 * (time.monotonic() - begun))


def load(port: int, messages: int) -> float:
    """Send so many; the seconds until the last was answered."""
    begun = time.monotonic()
    subprocess.run(
        [
            "smtp-source", "-s", str(CONNECTIONS), "-l", str(BYTES), "-m", str(messages),
            "-f", "bob@friends.example", "-t", "ada@bench.example.org", f"inet:127.0.0.1:{port}",
        ],
        check=True,
        timeout=600,
    )  # fmt: skip
    return time.monotonic() - begun


@contextmanager
def sink() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        for _attempt in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def drained(home: Path, messages: int) -> Result:
    """When everything that was taken has left; the last look otherwise."""
    end = time.monotonic() + DRAINED_S
    while True:
        seen: Result = json.loads(inside(home, LOOKING))
        if (seen["messages"] >= messages and not seen["waiting"]) or time.monotonic() > end:
            return seen
        time.sleep(0.5)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def inside(home: Path, code: str) -> str:
    argv = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    done = subprocess.run(
        argv, cwd=ROOT, env=clean_environment(POSTKEEP_HOME=str(home)), check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode()


def tables(found: Result) -> str:
    rows = [
        (
            str(number),
            f"{one['alone']:,.0f}",
            f"{one['taken']:,.0f}",
            f"{one['taken'] / one['alone']:.3f}",
            f"{one['delivered']:,.0f}",
            f"{one['memory_bytes'] / (1 << 20):,.0f}",
        )
        for number, one in enumerate(found.get("rounds", ()), 1)
    ]
    head = ("round", "smtp-sink alone, messages/s", "taken by the gateway", "÷", "until delivered", "gateway, MiB")
    text = table(head, rows)
    if peers := found.get("peers"):
        names = {"aiosmtpd": "aiosmtpd that forgets, two processes", "postfix": "Postfix, queueing for a sink"}
        listed = [(names[name], f"{rate:,.0f}") for name, rate in peers.items()]
        text += f"\nUnder the same load:\n\n{table(('beside it', 'messages/s taken'), listed)}"
    costs = [one for one in found.get("rounds", ()) if "taking_ms" in one]
    if costs:
        parts = costs[0]["taking_ms"]
        listed = [
            (part, *(f"{median(one[when][part] for one in costs):.2f}" for when in ("taking_ms", "all_ms")))
            for part in parts
        ]
        text += f"\n{table(('processor time of a message, ms', 'while taken', 'until delivered'), listed)}"
    if backlog := found.get("backlog"):
        text += (
            f"\nWith delivery stopped meanwhile {backlog['taken']:,.0f} messages/s are taken, and "
            f"{backlog['left']:,.0f} messages/s leave afterwards.\n"
        )
    if half := found.get("half_load_ms"):
        text += (
            f"\nAt {half['sent_per_second']:,.0f} messages/s the 250 comes {half['p50']:,.0f} ms (p50), "
            f"{half['p95']:,.0f} ms (p95), {half['p99']:,.0f} ms (p99) after the final dot.\n"
        )
    return text


def targets(found: Result) -> list[Target]:
    rounds = sorted(found.get("rounds", ()), key=lambda one: one["taken"] / one["alone"])
    if not rounds:
        return []
    middle = rounds[len(rounds) // 2]
    return [
        Target(
            "through the gateway ÷ smtp-sink alone", middle["taken"] / middle["alone"], LEAST_SHARE, " ×", at_least=True
        ),
        *(
            [Target("delivered to a sink", found["backlog"]["left"], LEAST_DELIVERED, " messages/s", at_least=True)]
            if "backlog" in found
            else []
        ),
        *(
            [Target("250 after the final dot at half load, p99", found["half_load_ms"]["p99"], MOST_P99_MS, " ms")]
            if "half_load_ms" in found
            else []
        ),
    ]
