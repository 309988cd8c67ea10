"""Archiving from IMAP beside bare fetch loops on the same Dovecot in the same run: how much does keeping cost?

Ours is a profile's own account: `kept_seconds`, until all is durable, written down and counted, which the target is
about, and `seconds`, until all is found by a search too. The bare loops fetch the same messages over the same TLS and
drop them: one with imapclient, as people write such loops, one with our own client. Processor time is that of the
processes that fetch, with those they start, less what it takes to start one; not Dovecot's, nor PostgreSQL's.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import imapclient

from archive.sources import Found, read
from benchmarks.figures import Target, number, table
from benchmarks.house import ROOT, House, clean_environment
from benchmarks.section import Bench, Result
from tests.dovecot_server import PASSWORD, Dovecot, needs_dovecot, running_dovecot

TITLE = "Profiles"
WANTED = 0.7
MESSAGES = 20_000
CHUNK = 250


def measure(bench: Bench, known: Result) -> Result:
    if needs_dovecot.args[0]:
        bench.say("profiles: no Dovecot here")
        return {}
    copy = bench.corpus.copy(0)
    bench.corpus.forget()
    ours, theirs, own = list[Result](), list[float](), list[float]()
    with bench.scratch("profiles") as folder, running_dovecot() as server:
        messages, size = _deliver(server, copy.mbox, folder)
        _fetch(server, "imapclient")  # once, so that nobody meets a cold disk
        for round_ in range(bench.rounds):
            theirs.append(_fetch(server, "imapclient"))
            own.append(_fetch(server, "own"))
            with House(folder / f"home-{round_}") as house:  # a new one each time: nothing is known yet
                ours.append(_archive(house, server, folder))
            took = f"{ours[-1]['seconds']:.2f} s; bare loop {theirs[-1]:.2f} s, with our client {own[-1]:.2f} s"
            bench.say(f"profiles: {messages} in {took}")
    return {"messages": messages, "raw_bytes": size, "archive": ours, "imapclient_s": theirs, "own_s": own}


def _deliver(server: Dovecot, mbox: Path, folder: Path) -> tuple[int, int]:
    count = size = 0
    for each in read([mbox], spool_dir=folder):
        if isinstance(each, Found) and each.content is not None:
            server.deliver("bench@bench.example", each.content)
            count, size = count + 1, size + each.size
        if count >= MESSAGES:
            break
    return count, size


def _fetch(server: Dovecot, how: str) -> float:
    """Seconds of a process of its own that fetches everything and drops it."""
    pem = server.root / "authority.pem"
    pem.write_text(server.authority.pem)
    argv = [sys.executable, "-m", "benchmarks.profiles", how, str(server.imaps), str(pem)]
    environ = clean_environment(
        DJANGO_SETTINGS_MODULE="config.settings", POSTKEEP_HOME=str(server.root / "fetching"),
        POSTKEEP_ALLOWED_RELAYS="127.0.0.0/8", POSTKEEP_ALLOWED_PORTS=str(server.imaps),
    )  # fmt: skip
    return float(subprocess.run(argv, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout)


def _archive(house: House, server: Dovecot, folder: Path) -> dict[str, Any]:
    address = "kept@bench.example"
    first = folder / "first.mbox"
    first.write_bytes(b"From a@b Sat Jan 31 10:00:00 2004\nSubject: first\n\nx\n\n")
    house.start_import([first], user=address).result()  # makes the mailbox
    properties = {
        "name": address, "type": "imap", "host": "127.0.0.1", "port": server.imaps, "userName": "bench@bench.example",
        "password": PASSWORD, "caCertificate": server.authority.pem, "mailbox": address,
    }  # fmt: skip
    made = _invoke(house, server, "CreateProfile", "--properties", json.dumps(properties), "--raw", "true")
    before = _processor_s()
    _invoke(house, server, "GetProfiles", "--raw", "true")
    started = _processor_s()
    found = _invoke(house, server, "RunProfile", "--id", str(made["id"]))
    return {**found, "processor_s": _processor_s() - started - (started - before)}


def _processor_s() -> float:
    """Of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _invoke(house: House, server: Dovecot, *words: str) -> dict[str, Any]:
    environ = clean_environment(
        POSTKEEP_HOME=str(house.home), POSTKEEP_PORT=str(house.port), POSTKEEP_ALLOWED_RELAYS="127.0.0.0/8",
        POSTKEEP_ALLOWED_PORTS=str(server.imaps),
    )  # fmt: skip
    argv = [sys.executable, "manage.py", "invoke", *words, "--json"]
    done = subprocess.run(argv, cwd=ROOT, env=environ, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout)["result"])


def _rate(found: Result, seconds: float) -> float:
    return float(found["messages"]) / seconds


def tables(found: Result) -> str:
    if not found:
        return "No Dovecot was installed where this ran."
    bare = median(found["imapclient_s"])
    lines = [
        ("a profile: fetched, kept durably, counted", _kept(found)),
        ("the same run, until all is found too", median(each["seconds"] for each in found["archive"])),
        ("a bare loop with imapclient", bare),
        ("a bare loop with our own client", median(found["own_s"])),
    ]
    rows = [
        (name, f"{found['messages']:,}", number(seconds), f"{_rate(found, seconds):,.0f}",
         number(found["raw_bytes"] / seconds / 1e6), f"{number(bare / seconds)} ×")
        for name, seconds in lines
    ]  # fmt: skip
    note = (
        "One mailbox of a Dovecot on the same machine, over TLS, into a new archive each time. While mail comes as "
        "fast as here, keeping it goes before indexing it; the run ends when a search finds all of it, and it was "
        f"counted from both ends again. Medians of {len(found['archive'])}.{_processor_told(found)}\n\n"
    )
    return note + table(("", "messages", "seconds", "messages/s", "MB/s", "× bare loop"), rows)


def targets(found: Result) -> list[Target]:
    if not found:
        return []
    bare = median(found["imapclient_s"])
    return [Target("IMAP archiving until kept ÷ a bare fetch loop", bare / _kept(found), WANTED, " ×", at_least=True)]


def _kept(found: Result) -> float:
    """Seconds until all was kept; runs measured before that was told had it at their end."""
    return median(float(each.get("kept_seconds", each["seconds"])) for each in found["archive"])


def _processor_told(found: Result) -> str:
    if not all("processor_s" in each for each in found["archive"]):
        return ""
    spent = median(each["processor_s"] for each in found["archive"]) / found["messages"]
    return f" The run took {number(spent * 1e6)} µs of a processor for each message."


# --- the bare loops, in a process of their own -------------------------------------------------------------------


def _bare(port: int, pem: Path) -> float:
    context = ssl.create_default_context(cafile=str(pem))
    client = imapclient.IMAPClient("127.0.0.1", port, ssl=True, ssl_context=context)
    client.login("bench@bench.example", PASSWORD)
    client.select_folder("INBOX", readonly=True)
    started = time.monotonic()
    uids = client.search()
    for at in range(0, len(uids), CHUNK):
        client.fetch(uids[at : at + CHUNK], ["BODY.PEEK[]", "FLAGS", "INTERNALDATE"])
    return time.monotonic() - started


def _own(port: int, pem: Path) -> float:
    from archive.remote.connecting import Login, Server
    from archive.remote.imap import Folder, Imap

    server = Server("127.0.0.1", port, ca_pem=pem.read_text())
    with Imap(server, Login("bench@bench.example", PASSWORD), spool_dir=pem.parent) as client:
        client.open(Folder(b"INBOX", ("INBOX",)))
        started = time.monotonic()
        for _each in client.fetch(client.search()):
            pass
        return time.monotonic() - started


if __name__ == "__main__":
    print((_bare if sys.argv[1] == "imapclient" else _own)(int(sys.argv[2]), Path(sys.argv[3])))
