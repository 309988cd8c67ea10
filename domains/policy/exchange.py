"""Rules as CSV and JSON, both ways: `parse_rules` reads a whole file or says which lines are wrong, `write_rules`.

Columns and keys are the rules' own names; JSON also takes the manuals' (`expireAt`, `spfOn`, `checkType`,
`targetsSender`; a list, or `{"rules": […]}`), and writes them. A rule that was read has its line as id (leak rules have
one of their own). Cells that a spreadsheet would run are guarded by an apostrophe (`config.kit.csv` does the same, but
knows Django).

Not for storing, rights, or comparing with what is stored.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domains.policy.exchange_fields import BadCell, Column, Rule, columns_of, identity, make, problems_of
from domains.policy.rules import RuleKind
from domains.policy.sentences import Sentence, gettext_noop, sentence

MAX_ROWS = 100_000
MAX_ERRORS = 100
_RUNS = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Row:
    """A rule and the line of the file on which it begins."""

    line: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong on which line (from 1; 0 for the whole file), in which field ("" for the whole row)."""

    line: int
    field: str
    reason: Sentence


@dataclass(frozen=True, slots=True)
class Parsed:
    """Either errors (at most MAX_ERRORS) or good rows: with an error, the rows are only those that were good."""

    rows: tuple[Row, ...]
    errors: tuple[RowError, ...]


def guarded(text: str) -> str:
    """A cell that a spreadsheet shows instead of running it."""
    return f"'{text}" if text.lstrip("'").startswith(_RUNS) else text


def unguarded(text: str) -> str:
    """The cell without the apostrophe that `guarded` put before it."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_RUNS) else text


def parse_rules(kind: RuleKind, text: str, file_format: Format, *, owner: str = "") -> Parsed:
    """Read a file of rules. `owner`: whose sender rules (or whose domain's leak rules) they are where a row names none.

    Never raises: what is wrong comes as errors.
    """
    errors: list[RowError] = []
    rows: list[Row] = []
    seen: dict[object, int] = {}
    read = _csv_rows if file_format is Format.CSV else _json_rows
    for line, values in read(kind, text.removeprefix("\ufeff"), errors):
        if len(rows) >= MAX_ROWS:
            errors.append(RowError(line, "", sentence(gettext_noop("More than %(most)d rules."), most=MAX_ROWS)))
            break
        if len(errors) >= MAX_ERRORS:
            break
        row = _row(kind, line, values, owner, errors)
        if row is None:
            continue
        first = seen.setdefault(identity(row.rule), line)
        if first != line:
            said = sentence(gettext_noop("The same rule as on line %(line)d."), line=first)
            errors.append(RowError(line, "", said))
            continue
        rows.append(row)
    return Parsed(tuple(rows), tuple(errors[:MAX_ERRORS]))


def _row(kind: RuleKind, line: int, values: Mapping[str, Any], owner: str, errors: list[RowError]) -> Row | None:
    before = len(errors)
    read: dict[str, Any] = {}
    for column in columns_of(kind):
        value = values.get(column.name)
        if value is None or value == "":
            if column.name in ("owner", "sender_domain"):
                value = owner
            if not value:
                if column.required:
                    errors.append(RowError(line, column.name, Sentence(gettext_noop("This is missing."))))
                continue
        try:
            read[column.name] = column.read(value)
        except BadCell as error:
            errors.append(RowError(line, column.name, error.reason))
    if len(errors) > before:
        return None
    rule = make(kind, line, read)
    errors.extend(RowError(line, field, reason) for field, reason in problems_of(rule))
    return Row(line, rule) if len(errors) == before else None


def _csv_rows(kind: RuleKind, text: str, errors: list[RowError]) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = io.StringIO(text.replace("\0", "\ufffd"), newline="")
    reader = csv.reader(lines, delimiter=_delimiter(text), strict=True)
    try:
        heads = [unguarded(cell.strip()).lower() for cell in next(reader, [])]
        columns = _heads(kind, heads, errors)
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                extra = len(cells) > len(columns) and any(cells[len(columns) :])
                if extra:
                    errors.append(RowError(line, "", Sentence(gettext_noop("More cells than columns."))))
                else:
                    pairs = zip(columns, cells, strict=False)
                    yield line, {column.name: unguarded(cell).strip() for column, cell in pairs if column is not None}
            line = reader.line_num + 1
    except csv.Error as error:
        said = sentence(gettext_noop("This can't be read as CSV: %(error)s."), error=str(error))
        errors.append(RowError(reader.line_num, "", said))


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _heads(kind: RuleKind, heads: Sequence[str], errors: list[RowError]) -> list[Column | None]:
    known = {name.lower(): column for column in columns_of(kind) for name in column.names}
    found: list[Column | None] = []
    for head in heads:
        column = known.get(head)
        if column is None and head and head != "id":
            errors.append(RowError(1, head[:80], Sentence(gettext_noop("There is no such column."))))
        if column is not None and column in found:
            errors.append(RowError(1, column.name, Sentence(gettext_noop("The column is there twice."))))
        found.append(column)
    missing = [c for c in columns_of(kind) if c.required and not c.may_be_given and c not in found]
    errors.extend(
        RowError(1, column.name, Sentence(gettext_noop("The column is missing."))) for column in missing if not errors
    )
    return found if not errors else []


def _json_rows(kind: RuleKind, text: str, errors: list[RowError]) -> Iterator[tuple[int, dict[str, Any]]]:
    known = {name: column.name for column in columns_of(kind) for name in column.names}
    for line, value in _json_items(text, errors):
        if not isinstance(value, dict):
            errors.append(RowError(line, "", Sentence(gettext_noop("A rule is an object in curly brackets."))))
            continue
        unknown = [name for name in value if name not in known and name not in _ANSWERED]
        errors.extend(RowError(line, name[:80], Sentence(gettext_noop("No rule has this field."))) for name in unknown)
        if not unknown:
            yield line, {known[name]: inner for name, inner in value.items() if name in known}


# What the API answers besides, so that an export may be read again.
_ANSWERED = frozenset({"id", "scope", "createdDate", "created_date"})


def _json_items(text: str, errors: list[RowError]) -> Iterator[tuple[int, Any]]:
    """Each item of the list with its line; the decoder itself knows no lines, so items are read one by one."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    at = _skip(text, 0)
    if text.startswith("{", at):
        at = _skip(text, at + 1)
        if text.startswith('"rules"', at):
            at = _skip(text, _skip(text, at + len('"rules"')) + 1)
    if not text.startswith("[", at):
        errors.append(RowError(0, "", Sentence(gettext_noop("A list of rules in square brackets is expected."))))
        return
    at, counted, line = _skip(text, at + 1), 0, 1
    while not text.startswith("]", at):
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            place = error.lineno if isinstance(error, json.JSONDecodeError) else line
            said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            reason = sentence(gettext_noop("This can't be read as JSON: %(error)s."), error=said)
            errors.append(RowError(place, "", reason))
            return
        yield line, value
        at = _skip(text, end)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
        elif not text.startswith("]", at):
            line += text.count("\n", counted, at)
            errors.append(RowError(line, "", Sentence(gettext_noop("A comma or the end of the list is expected."))))
            return


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def write_rules(kind: RuleKind, rules: Iterable[Rule], file_format: Format) -> str:
    """The rules in the order given; what `parse_rules` reads back as the same rules."""
    columns = columns_of(kind)
    if file_format is Format.JSON:
        listed = [{column.names[-1]: column.as_json(rule) for column in columns} for rule in rules]
        return json.dumps({"rules": listed}, ensure_ascii=False, indent=2) + "\n"
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.name for column in columns])
    writer.writerows([guarded(column.as_cell(rule)) for column in columns] for rule in rules)
    return out.getvalue()
