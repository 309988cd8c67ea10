"""Runs synchronisations in a house's own process: only tried, the first one, and again without changes."""

from __future__ import annotations

import ipaddress
import json
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.actors import Actor
from accounts.scopes import SERVER
from accounts.services.sources import choose_source, create_source
from domains.models import Mailbox
from domains.services.domains import create_domain
from domains.services.syncing.running import sync_directory

DOMAINS = 10


def tell(given: dict[str, Any]) -> None:
    """Prints {"dry", "first", "again"}, each with seconds, processor_s, grown (bytes of memory beyond before)."""
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    settings.ALLOWED_PORTS = frozenset({given["settings"]["port"]})
    actor = Actor.system()
    for number in range(DOMAINS):
        create_domain(actor, name=f"d{number}.bench.example")
    source = create_source(actor, SERVER, kind="ldap", name="Bench", **given)
    choose_source(actor, SERVER, source)
    found: dict[str, Any] = {name: _run(actor, source, dry_run=name == "dry") for name in ("dry", "first", "again")}
    found["mailboxes"] = Mailbox.objects.count()
    json.dump(found, sys.stdout)


def _run(actor: Actor, source: Any, *, dry_run: bool) -> dict[str, Any]:
    Path("/proc/self/clear_refs").write_text(
        "5"
    )  # the peak counts from now (proc(5)); getrusage's is also the parent's
    before, began, used = _peak(), time.perf_counter(), time.process_time()
    run = sync_directory(actor, source, dry_run=dry_run)
    return {
        "seconds": time.perf_counter() - began, "processor_s": time.process_time() - used, "grown": _peak() - before,
        "counts": run.counts,
    }  # fmt: skip


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
