"""Running an import from a text, and what a refusal says; nothing may be left of a refused one."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from config.kit.csv import write_csv
from domains.models import Address, AllowedSender, Domain, Mailbox, Recipient, Subscriber
from domains.services.importing.exporting import Scope, export
from domains.services.importing.kinds import KINDS
from domains.services.importing.results import ImportRefused, ImportResult
from domains.services.importing.running import run_import

SYSTEM = Actor.system()
EVERYTHING = (User, Mailbox, Address, AllowedSender, Recipient, Subscriber, AuditEvent)


def run(file: Path, kind: str, text: str, actor: Actor = SYSTEM, **how: Any) -> ImportResult:
    file.write_text(text, "utf-8")
    return run_import(KINDS[kind], actor, file, **how)


def state() -> list[Any]:
    """How much of everything there is, and what the domains count and say."""
    counted = ("pk", "group_count", "forward_count", "alias_count", "mailbox_count", "catch_all", "version")
    return [*(model.objects.count() for model in EVERYTHING), *Domain.objects.order_by("pk").values_list(*counted)]


def refused(file: Path, kind: str, text: str, actor: Actor = SYSTEM, **how: Any) -> list[tuple[int, str]]:
    """(line, column) of what is refused; that nothing is left of it; that the dry run says the same."""
    before = state()
    with pytest.raises(ImportRefused) as caught:
        run(file, kind, text, actor, **how)
    assert state() == before
    problems: Any = caught.value.result["problems"]
    assert all(each["reason"] for each in problems)
    dry = run(file, kind, text, actor, dry_run=True, **how)
    assert [(each.line, each.column, each.reason) for each in dry.problems] == [
        (each["line"], each["column"], each["reason"]) for each in problems
    ]
    return [(each["line"], each["column"]) for each in problems]


def exported(kind: str, actor: Actor = SYSTEM, scope: Scope | None = None) -> str:
    """The file as it is sent."""
    heads, rows = export(actor, kind, scope or Scope())
    return b"".join(write_csv(heads, rows)).decode("utf-8-sig")


def cells_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))
