"""What an import came to, or would come to, and the rows that can't be. Not for how it gets there (`running`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from domains.errors import DomainsError

SHOWN = 200  # refused rows that a result names; all are counted


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can't be imported: where, in which column, and why."""

    line: int
    column: str
    reason: str


class BadRow(Exception):
    """The row is refused; the column and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class ImportRefused(DomainsError):
    """Some rows can't be: nothing was made. `result` says which."""

    def __init__(self, result: ImportResult) -> None:
        super().__init__(f"{result.refused} of {result.rows} rows are refused; nothing was imported")
        self.result = result.as_dict()


@dataclass
class ImportResult:
    """What an import came to, or would.

    created, changed, same: objects. recipients, removed: members, targets and the like that came and went. without:
    people without a password who may sign in; invited: those of them who get a mail. batch: names their invitations.
    """

    kind: str = ""
    rows: int = 0
    created: int = 0
    changed: int = 0
    same: int = 0
    aliases: int = 0
    recipients: int = 0
    removed: int = 0
    without: int = 0
    invited: int = 0
    passwords: int = 0
    refused: int = 0
    dry_run: bool = False
    batch: str = ""
    per_domain: dict[str, int] = field(default_factory=dict)
    problems: list[Refused] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        problems = [{"line": each.line, "column": each.column, "reason": each.reason} for each in self.problems]
        return {**self.__dict__, "problems": problems}

    def refuse(self, line: int, column: str, reason: str) -> None:
        """Count a row that can't be read; the first are named."""
        self.refused += 1
        if len(self.problems) < SHOWN:
            self.problems.append(Refused(line, column, reason))
