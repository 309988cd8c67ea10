"""Memory: what an import takes at most, whatever the input, and what a running house takes when nothing happens.

Imports: the process and all below it, resident bytes added up (what they share counts several times), every 50 ms.
Idle: after half a minute in which nobody asked anything. Not for speed.
"""

from __future__ import annotations

import base64
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus import mbox_entry
from benchmarks.figures import MIB, Target, number, table
from benchmarks.house import Browser, House, proportional, resident
from benchmarks.section import Bench, Result
from benchmarks.variation import common_words, vary

TITLE = "Memory"
IMPORT_MIB, WEB_MIB, HOUSE_MIB = 300.0, 150.0, 700.0
IDLE_S = 30.0
LARGE_BYTES, LARGE_MESSAGES = 100 << 20, 6
HUGE_BYTES = 10 << 30
FIRST_HUGE_COPY = 1000


def measure(bench: Bench, known: Result) -> Result:
    found: Result = {"imports": dict(known.get("imports", {}))}
    sources: dict[str, Callable[[Path], Path]] = {
        "the list mails, one mbox": lambda folder: bench.corpus.copy(0).mbox,
        "the same in a zip": lambda folder: _zip(folder, bench.corpus.copy(0).mbox),
        f"{LARGE_MESSAGES} mails of 100 MiB each, one mbox": _large,
    }
    if bench.huge:
        sources["an mbox of 10 GiB (made)"] = lambda folder: _huge(folder, bench)
    with bench.scratch("memory") as folder, House(folder / "home") as house:
        time.sleep(IDLE_S)
        found["idle, just started"] = _idle(house)
        for at, (name, make) in enumerate(sources.items()):
            source = make(folder)
            bench.corpus.forget()
            result = house.start_import([source], store=f"memory-{at}", user=f"memory@{at}.example").result()
            found["imports"][name] = result | {"source_bytes": source.stat().st_size}
            bench.say(f"memory: {name}: {result['peak_sum'] / MIB:.0f} MiB")
            if source.parent == folder:
                source.unlink()
        _use(house)
        time.sleep(IDLE_S)
        found["idle, after imports and pages"] = _idle(house)
    return found


def _use(house: House) -> None:
    """What a person does who looks around a little."""
    browser = Browser(house.port)
    browser.sign_in()
    for word in ("linux", "kernel", "subject:patch", "from:linux", "driver OR module") * 4:
        browser.search(word)


def _idle(house: House) -> Result:
    """Proportional bytes of the web server, resident and proportional ones of the whole house."""
    everything = house.processes()
    return {
        "web": sum(proportional(each) for each in house.child("web")),
        "rss": sum(resident(each) for each in everything),
        "pss": sum(proportional(each) for each in everything),
        "processes": len(everything),
    }


def _zip(folder: Path, mbox: Path) -> Path:
    path = folder / "lists.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(mbox, "lists.mbox")
    return path


def _large(folder: Path) -> Path:
    """Half of them one text, half of them one attachment."""
    path, chance = folder / "large.mbox", random.Random(7)  # noqa: S311  (not a secret)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randrange(2, 12))) for _ in range(5000)]
    with path.open("wb") as out:
        for number_ in range(LARGE_MESSAGES):
            out.write(_large_head(number_))
            left = LARGE_BYTES
            while left > 0:
                if number_ % 2:
                    piece = base64.encodebytes(chance.randbytes(57 * 4096))
                else:
                    piece = b"".join(b" ".join(chance.choices(words, k=10)) + b"\n" for _ in range(4096))
                left -= out.write(piece)
            out.write(b"\n--edge--\n\n" if number_ % 2 else b"\n")
    return path


def _large_head(number_: int) -> bytes:
    head = (
        "From large@bench.example Thu Jan  1 00:00:00 2004\n"
        f"From: large@bench.example\nTo: bench@bench.example\nSubject: large {number_}\n"
        f"Message-ID: <large-{number_}@bench.example>\nDate: Thu, 01 Jan 2004 00:00:0{number_} +0000\n"
    )
    if number_ % 2:
        head += 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="edge"\n\n--edge\n'
        head += "Content-Type: application/octet-stream; name=large.bin\nContent-Transfer-Encoding: base64\n"
    return head.encode() + b"\n"


def _huge(folder: Path, bench: Bench) -> Path:
    """Variations of the list mails that nothing else uses, until there are 10 GiB."""
    path, written, copy = folder / "huge.mbox", 0, FIRST_HUGE_COPY
    words = common_words(bench.corpus.originals())
    with path.open("wb") as out:
        while written < HUGE_BYTES:
            for at, message in enumerate(bench.corpus.originals()):
                written += out.write(mbox_entry(vary(message, copy, at, words)))
            copy += 1
            bench.say(f"memory: {written / (1 << 30):.1f} GiB of the large mbox are made")
    return path


def tables(found: Result) -> str:
    imports = [
        (
            name,
            f"{one['source_bytes'] / 1e6:,.0f}",
            f"{one['archived']:,}",
            number(one["seconds"]),
            f"{one['peak_sum'] / MIB:,.0f}",
            f"{one['peak_largest'] / MIB:,.0f}",
        )
        for name, one in found["imports"].items()
    ]
    idle = [
        (
            name,
            str(one["processes"]),
            *(f"{one[key] / MIB:,.0f}" if key in one else "–" for key in ("web", "rss", "pss")),
        )
        for name, one in found.items()
        if name.startswith("idle")
    ]
    first = table(("import of", "MB", "messages", "seconds", "peak MiB, all", "peak MiB, largest process"), imports)
    second = table(("house", "processes", "web server, PSS MiB", "all, RSS MiB", "all, PSS MiB"), idle)
    return (
        "Imports: resident bytes of the process and its children added up.\n\n"
        f"{first}\nIdle: after {IDLE_S:.0f} s without a request. RSS counts shared pages once per process, "
        f"PSS once: processes forked from one that has everything loaded share most of theirs.\n\n{second}"
    )


def targets(found: Result) -> list[Target]:
    result = [
        Target(f"memory, import of {name}", one["peak_sum"] / MIB, IMPORT_MIB, " MiB")
        for name, one in found["imports"].items()
    ]
    for name, one in found.items():
        if name.startswith("idle"):
            if "web" in one:  # older results have the resident bytes of one worker instead
                result.append(Target(f"web server, {name} (PSS)", one["web"] / MIB, WEB_MIB, " MiB"))
            result.append(Target(f"everything of make run, {name} (PSS)", one["pss"] / MIB, HOUSE_MIB, " MiB"))
    return result
