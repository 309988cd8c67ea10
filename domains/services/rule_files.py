"""Files of filters, both ways: what an import would do row by row (dry run), the import itself, and the export.

A file is CSV (any encoding and separator that Excel writes) or JSON, with the columns of `domains.policy.exchange`. An
import is all or nothing, exactly with the rights of the form, and either adds or puts the file in place of what is
there. Not for files of many owners: a row that names another owner is refused.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from config.kit.csv_reading import CsvError, CsvFile, Limits
from domains.errors import Invalid, LimitReached
from domains.models import Mailbox
from domains.policy.exchange import Format, Parsed, RowError, parse_rules, write_rules
from domains.policy.rules import RuleKind
from domains.policy.senders import SenderRule as PureSender
from domains.policy.sentences import translated
from domains.services import rule_lists, rules
from domains.services.rule_values import KINDS, Kind, Owner, PureRule, checked, pure_of, same_key, values_of_pure

MOST_BYTES = 5 * 1024 * 1024
_LIMITS = Limits(bytes=MOST_BYTES, rows=100_000)


@dataclass(frozen=True)
class PlannedRow:
    """What would happen with one row: "new", "same" (it is there already), "changed" or "refused", and why."""

    line: int
    label: str
    what: str
    why: str = ""
    field: str = ""


@dataclass(frozen=True)
class Plan:
    """What an import would do. removed: what goes because the file takes its place. problem: about the whole."""

    rows: list[PlannedRow]
    removed: list[str]
    entries: list[dict[str, Any]]
    notices: list[str]
    problem: str = ""

    def count(self, what: str) -> int:
        return sum(row.what == what for row in self.rows)

    @property
    def numbers(self) -> dict[str, int]:
        return {what: self.count(what) for what in ("new", "changed", "same", "refused")} | {
            "removed": len(self.removed)
        }

    @property
    def is_possible(self) -> bool:
        return not self.problem and not self.count("refused")


def plan_import(
    actor: Actor, kind: RuleKind, owner: Owner, raw: bytes, file_format: Format, *, replace: bool = False
) -> Plan:
    """Row by row what importing this file would do; changes nothing. Raises: Forbidden."""
    rules.require_rules(actor, kind, owner)
    info = KINDS[kind]
    try:
        text, notices = _text(raw, file_format)
    except CsvError as error:
        return Plan([], [], [], [], str(error))
    parsed = parse_rules(kind, text, file_format, owner=rules.owner_text(owner))
    kept = {same_key(info, row): row for row in rules.rows_of(info, owner)}
    rows, entries, keys = _planned(info, owner, parsed, kept, replace=replace)
    gone = [str(row) for key, row in kept.items() if key not in keys] if replace else []
    most = len(entries) if replace else len(kept) + sum(row.what == "new" for row in rows)
    problem = ""
    try:
        rules.require_room(info, owner, most)
    except LimitReached as error:
        problem = str(error)
    if not rows and not problem:
        problem = _("There are no rules in this file.")
    return Plan(rows, gone, entries, notices, problem)


def import_rules(
    actor: Actor, kind: RuleKind, owner: Owner, raw: bytes, file_format: Format, *, replace: bool = False
) -> Plan:
    """Do what `plan_import` says, all or nothing; gives the plan that was carried out.

    Raises: Forbidden, Invalid (a row is refused), Taken, LimitReached.
    """
    rules.require_rules(actor, kind, owner)
    with transaction.atomic():
        rules.hold(owner)
        plan = plan_import(actor, kind, owner, raw, file_format, replace=replace)
        if not plan.is_possible:
            raise Invalid(plan.problem or _("%(count)d rows are refused.") % {"count": plan.count("refused")})
        if replace:
            rule_lists.replace_rules(actor, kind, owner, plan.entries)
        else:
            fresh = [entry for entry, row in zip(plan.entries, plan.rows, strict=True) if row.what == "new"]
            rule_lists.create_rules(actor, kind, owner, fresh)
        audit.record(actor, f"{KINDS[kind].event}.import", owner, replace=replace, rows=plan.numbers)
    return plan


def export_rules(actor: Actor, kind: RuleKind, owner: Owner, file_format: Format) -> str:
    """The rules of an owner in their order, as a file that `import_rules` reads. For who may see them.

    Whether a rule is enabled isn't in the file; disabled ones are left out.
    """
    info = KINDS[kind]
    order = ("priority", "pk") if info.is_ordered else ("value", "pk")
    text = rules.owner_text(owner)
    rows = rules.rows_of(info, owner).filter(is_enabled=True).order_by(*order)
    pure = [pure_of(row, text, by_key=False) for row in rows]
    audit.record(actor, f"{info.event}.export", owner, rules=len(pure))
    return write_rules(kind, pure, file_format)


def _planned(
    info: Kind, owner: Owner, parsed: Parsed, kept: dict[tuple[Any, ...], Any], *, replace: bool
) -> tuple[list[PlannedRow], list[dict[str, Any]], set[tuple[Any, ...]]]:
    rows, entries, keys = [_refused(error) for error in parsed.errors], [], set()
    bad = {error.line for error in parsed.errors}
    text = rules.owner_text(owner)
    for row in parsed.rows:
        label = _label(info, row.rule)
        if row.line in bad:
            continue
        if isinstance(row.rule, PureSender) and not _is_own(owner, row.rule.owner):
            said = _("The rule is of %(owner)s; only rules of %(own)s can be here.")
            rows.append(PlannedRow(row.line, label, "refused", said % {"owner": row.rule.owner, "own": text}, "owner"))
            continue
        if info.kind is RuleKind.DLP and not _is_own(owner, str(getattr(row.rule, "sender_domain", ""))):
            rows.append(PlannedRow(row.line, label, "refused", _("The rule is of another domain."), "sender_domain"))
            continue
        try:
            fields = checked(info, text, values_of_pure(row.rule))
        except Invalid as error:
            rows.append(PlannedRow(row.line, label, "refused", str(error), error.field))
            continue
        key = same_key(info, fields)
        there = kept.get(key)
        rows.append(PlannedRow(row.line, label, _what(info, there, fields, replace=replace)))
        entries.append({name: value for name, value in fields.items() if name != "subdomains"})
        keys.add(key)
    rows.sort(key=lambda planned: planned.line)
    return rows, entries, keys


def _what(info: Kind, there: Any, fields: dict[str, Any], *, replace: bool) -> str:
    if there is None:
        return "new"
    differs = any(getattr(there, name) != value for name, value in fields.items())
    return "changed" if replace and differs else "same"


def _is_own(owner: Owner, text: str) -> bool:
    own = {rules.owner_text(owner)} if isinstance(owner, Mailbox) else {owner.name, owner.display_name}
    return text.strip().lower() in own


def _refused(error: RowError) -> PlannedRow:
    return PlannedRow(error.line, "", "refused", translated(error.reason, _), error.field)


def _label(info: Kind, rule: PureRule) -> str:
    return str(getattr(rule, "id" if info.kind is RuleKind.DLP else info.main))[:200]


def _text(raw: bytes, file_format: Format) -> tuple[str, list[str]]:
    """The file as text, and what should be known about how it was read. Raises: CsvError."""
    if len(raw) > MOST_BYTES:
        raise CsvError(_("The file is larger than %(size)d MiB.") % {"size": MOST_BYTES // 1024**2})
    if file_format is Format.JSON:
        try:
            return raw.decode("utf-8-sig"), []
        except UnicodeDecodeError as error:
            raise CsvError(_("This can't be read as text."), line=raw[: error.start].count(b"\n") + 1) from error
    read = CsvFile.open(io.BytesIO(raw), limits=_LIMITS)
    return raw.decode(read.encoding, "replace"), read.notices
