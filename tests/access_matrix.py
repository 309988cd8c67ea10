"""`python -m tests.access_matrix`: writes docs/access-matrix.md from the rows of the access table.

The table says what is expected; tests/test_access.py knocks at every door and holds the product to it.
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


def build() -> str:
    """The whole file."""
    from tests.access import Role
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
