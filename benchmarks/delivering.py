"""How fast the queue empties: one `manage.py deliver` to Postfix's smtp-sink on loopback, the database in between.

Every message is claimed, sent in its own transaction, and written down in its passport. In a house without clock and
workers (benchmarks.quiet).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psutil
import psycopg

from benchmarks.figures import MIB, Target, number, table
from benchmarks.house import ROOT, clean_environment, free_port
from benchmarks.quiet import Quiet
from benchmarks.section import Bench, Result
from config.kit import paths

TITLE = "Delivery"
MESSAGES, SIZE_BYTES, PER_S = 20_000, 7_000, 300.0
SINK = "/usr/sbin/smtp-sink"
MOST_S = 300.0


def measure(bench: Bench, known: Result) -> Result:
    if shutil.which(SINK) is None:
        raise RuntimeError("smtp-sink is missing (Debian: apt install postfix)")
    messages = 2_000 if bench.directory else MESSAGES
    rounds = []
    with bench.scratch("delivery") as folder, Quiet(folder / "home").running() as house:
        for _ in range(bench.rounds):
            rounds.append(_round(house, messages))
            bench.say(f"delivery: {messages / rounds[-1]['seconds']:,.0f} messages/s")
    return {"messages": messages, "bytes": SIZE_BYTES, "rounds": rounds}


def _round(house: Quiet, messages: int) -> dict[str, float]:
    port = free_port()
    house.inside(f"from benchmarks.delivering_inside import fill; fill({messages}, {port}, {SIZE_BYTES})")
    environ = clean_environment(
        POSTKEEP_HOME=str(house.home), POSTKEEP_ALLOWED_RELAYS="127.0.0.0/8", POSTKEEP_ALLOWED_PORTS=str(port)
    )
    with _sink(port):
        process = subprocess.Popen([sys.executable, "manage.py", "deliver"], cwd=ROOT, env=environ)
        try:
            return _watched(process.pid, messages)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


def _watched(pid: int, messages: int) -> dict[str, float]:
    """From the first that is delivered to the end, so that starting Python isn't measured."""
    until = time.monotonic() + MOST_S
    first: tuple[float, int, float] | None = None
    process = psutil.Process(pid)
    with psycopg.connect(dbname="postkeep", user="postkeep", host=str(paths.run_dir()), autocommit=True) as database:
        while (now := time.monotonic()) < until:
            row = database.execute("SELECT count(*) FROM gateway_queueitem").fetchone()
            left = row[0] if row else 0
            times = process.cpu_times()
            spent = times.user + times.system
            if first is None and left < messages:
                first = now, left, spent
            if left == 0 and first is not None:
                whole = messages / max(first[1], 1)
                return {
                    "seconds": (now - first[0]) * whole,
                    "processor_s": (spent - first[2]) * whole,
                    "resident": process.memory_info().rss / MIB,
                }
            time.sleep(0.1)
    raise RuntimeError("the queue did not empty in time")


@contextmanager
def _sink(port: int) -> Iterator[None]:
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([SINK, *user, f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        sink.kill()
        sink.wait()


def tables(found: Result) -> str:
    seconds, processor = _median(found, "seconds"), _median(found, "processor_s")
    row = (
        f"{found['messages']:,}", number(found["messages"] / seconds), number(processor * 1000 / found["messages"]),
        number(_median(found, "resident")),
    )  # fmt: skip
    note = f"{found['messages']:,} messages of {found['bytes']:,} bytes to smtp-sink, ten connections, one process.\n\n"
    return note + table(("messages", "per second", "ms of a processor each", "MiB resident"), [row])


def targets(found: Result) -> list[Target]:
    if found["messages"] < MESSAGES:
        return []
    return [Target("delivery to a sink", found["messages"] / _median(found, "seconds"), PER_S, "/s", at_least=True)]


def _median(found: Result, name: str) -> float:
    return float(median(each[name] for each in found["rounds"]))
