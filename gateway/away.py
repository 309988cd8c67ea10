"""The note of who is away, as Sieve: it answers between two days, differently inside and outside.

Pure but for the row. Not for who was answered already (`gateway.replying`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.models import OutOfOffice
from gateway.sieve.simple import quoted


def script_of(row: OutOfOffice, own_domains: Iterable[str]) -> str:
    """The script; nothing where it answers nobody."""
    inside = _vacation(row, row.inside, "inside") if row.inside.strip() else ""
    outside = _vacation(row, row.outside or row.inside, "outside") if row.answers_outside else ""
    if not (inside or outside).strip():
        return ""
    names = ", ".join(quoted(name) for name in own_domains) or quoted("")
    # both: the answer goes to the envelope's sender
    is_inside = f'allof (envelope :domain :is "from" [{names}], address :domain :is "from" [{names}])'
    limits = [
        f'currentdate :value "{relation}" "date" "{day.isoformat()}"'
        for relation, day in (("ge", row.starts_on), ("le", row.ends_on))
        if day is not None
    ]
    lines = ['require ["date", "envelope", "relational", "vacation"];', ""]
    lines.append(f"if allof ({', '.join([*limits, 'true', 'true'])}) {{")
    if inside and outside:
        lines += [f"    if {is_inside} {{", inside, "    } else {", outside, "    }"]
    else:
        lines += [f"    if {is_inside if inside else f'not {is_inside}'} {{", inside or outside, "    }"]
    return "\n".join([*lines, "}", ""])


def _vacation(row: OutOfOffice, text: str, handle: str) -> str:
    subject = f" :subject {quoted(row.subject)}" if row.subject.strip() else ""
    return f"        vacation :days {row.days}{subject} :handle {quoted(handle)} {quoted(text)};"
