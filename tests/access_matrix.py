"""`python -m tests.access_matrix`: writes docs/access-matrix.md from the rows of the access tables.

The tables say what is expected; tests/test_access.py knocks at every door, tests/test_bulk_access.py tries every bulk
action and tests/test_csv_access.py every column of a CSV file, and they hold the product to it.
"""

from __future__ import annotations

import os
from pathlib import Path

PLACE = Path(__file__).parent.parent / "docs" / "access-matrix.md"
HEAD = """# Who gets in where

Written by `python -m tests.access_matrix`; a test fails while it is not current, and the sweep in
`tests/test_access.py` tries every line of it: each role, with a valid form and without, and whoever is refused must
have changed nothing.

The ground: a customer with two domains, *the domain* and *a sibling domain*, and another customer whose domain is
*elsewhere*. The user lives in the domain, the stranger elsewhere. Help desk, auditor and domain administrator hold
their role on the domain; one more domain administrator on the sibling, one customer administrator on the customer and
one on the other customer.

Answers: ✓ done or shown (with its status where it isn't 200) · 404 there is no such thing for them · 403 known, but not
allowed · → to the sign-in page · 422 allowed, and the form was sent empty on purpose.
"""
BULK_HEAD = """
## Bulk actions

Tried by `tests/test_bulk_access.py`, each with one row of each place. ✓ done · refused: the row is seen, counted as
refused with the reason, and left as it is · 404 no such row for them: nothing is done · 403 the action isn't theirs
anywhere. A bulk action that isn't in the table fails the test.
"""
CSV_HEAD = """
## Columns of CSV files

Tried by `tests/test_csv_access.py`: each column set in a row for a domain of each place, by itself beside those that
must be there. ✓ imported and set · refused: the row is named with line, column and reason, and nothing of the file is
imported · 403 such files aren't theirs to send. *right* is what the column takes beside the kind's own; the last column
is somebody who holds the kind's own right on the domain and nothing else. A column that isn't in the table fails the
test.
"""


def build() -> str:
    """The whole file."""
    from tests.access import Role
    from tests.bulk_access import ROWS as BULK
    from tests.csv_access import NARROW, PLACES
    from tests.csv_access import ROWS as CSV
    from tests.test_access import collect_rows

    rows = sorted(collect_rows(), key=lambda row: (row.route.split(":")[0], row.route, row.method))
    parts = [HEAD]
    app = ""
    for row in rows:
        if row.route.split(":")[0] != app:
            app = row.route.split(":")[0]
            parts += [
                "",
                f"## {app}",
                "",
                "| route | whose | " + " | ".join(Role) + " |",
                "|---|---|" + "---|" * len(Role),
            ]
        for place in row.places:
            answers = " | ".join(_said(row.expected(role, place)) for role in Role)
            parts.append(f"| `{row.name}` | {place} | {answers} |")
    parts += [BULK_HEAD, "| list, action | whose | " + " | ".join(Role) + " |", "|---|---|" + "---|" * len(Role)]
    for many in BULK:
        for place in many.places:
            answers = " | ".join(many.expected(role, place) for role in Role)
            parts.append(f"| `{many.name}` | {place} | {answers} |")
    parts += [
        CSV_HEAD,
        "| file, column | right | whose | " + " | ".join([*Role, NARROW]) + " |",
        "|---|---|---|" + "---|" * (len(Role) + 1),
    ]
    for column in CSV:
        right = column.right or "–"
        for place in PLACES:
            answers = " | ".join(column.expected(role, place) for role in Role)
            narrow = column.expected(NARROW, place) if place == PLACES[0] else ""
            parts.append(f"| `{column.name}` | {right} | {place} | {answers} | {narrow} |")
    return "\n".join(parts) + "\n"


def _said(answer: object) -> str:
    if answer == "sign-in":
        return "→"
    if isinstance(answer, set):
        return "/".join(str(each) for each in sorted(answer))
    return "✓" if answer == 200 else f"✓ {answer}" if answer in range(200, 400) else str(answer)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    PLACE.write_text(build())
    print(PLACE)


if __name__ == "__main__":
    main()
