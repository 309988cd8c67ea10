"""How far a verification has come, kept beside the catalogue: one that was stopped or killed goes on where it was.

A round that is older than a week begins anew: what was found well long ago says little. Not for its result: the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..rows import Pack
from .report import Problem, Report

FILE = "verify.json"
GOOD_FOR_S = 7 * 86400
SAVE_EVERY_S = 2.0


@dataclass(slots=True)
class Round:
    """One round of verification: the parts it looks at, those it is done with, and the sealed packs it has read."""

    path: Path
    identity: str
    parts: list[str]
    deep: bool = False
    begun: float = field(default_factory=time.time)
    parts_done: list[str] = field(default_factory=list)
    packs: dict[int, str] = field(default_factory=dict)
    report: Report = field(default_factory=lambda: Report("verify"))
    saved: float = 0.0

    @classmethod
    def find(cls, work: Path, identity: str, parts: Sequence[str], *, deep: bool) -> Round:
        """The round of these parts that was broken off, or a new one."""
        fresh = cls(work / FILE, identity, list(parts), deep)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            said: dict[str, Any] = json.loads((work / FILE).read_text())
            same = (said["identity"], said["parts"], said["deep"]) == (identity, fresh.parts, deep)
            if same and 0 <= time.time() - said["begun"] < GOOD_FOR_S:
                problems = [Problem(**each) for each in said["problems"]]
                report = Report("verify", dict(said["numbers"]), problems, list(said["notes"]))
                packs = {int(number): str(digest) for number, digest in said["packs"].items()}
                return cls(work / FILE, identity, fresh.parts, deep, said["begun"], said["parts_done"], packs, report)
        return fresh

    @property
    def goes_on(self) -> bool:
        """Whether an earlier run has done some of it."""
        return bool(self.parts_done or self.packs)

    def has_pack(self, pack: Pack) -> bool:
        """Whether this very file was read in this round."""
        return pack.sealed and self.packs.get(pack.number) == pack.sha256

    def note_pack(self, pack: Pack, report: Report) -> None:
        self.packs[pack.number] = pack.sha256
        if time.monotonic() - self.saved >= SAVE_EVERY_S:
            self.save(report)

    def note_part(self, part: str, report: Report) -> None:
        self.parts_done.append(part)
        self.save(report)

    def save(self, report: Report) -> None:
        """Durable enough: what is lost with the power is verified again."""
        said = {
            "identity": self.identity, "parts": self.parts, "deep": self.deep, "begun": self.begun,
            "parts_done": self.parts_done, "packs": self.packs, "numbers": report.numbers,
            "problems": [asdict(each) for each in report.problems], "notes": report.notes,
        }  # fmt: skip
        temporary = self.path.with_name(f".{FILE}.{os.getpid()}")
        temporary.write_text(json.dumps(said))
        temporary.replace(self.path)
        self.saved = time.monotonic()

    def end(self) -> None:
        self.path.unlink(missing_ok=True)
