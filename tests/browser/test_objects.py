"""Every page of one object in a real browser: it opens, fits a phone and a desk, and axe finds nothing in it.

The pages and their objects come from the access table (tests/*/access.py): a new route is walked without being told.
Each page is looked at in one of the four looks and measured in both widths; `PAGE_SHOTS` keeps a picture of both.
Pages without an object are tests/browser/test_pages.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse

from accounts.actors import Actor
from accounts.services.options import set_option
from archive import engines
from config.kit import paths, secrets
from domains.services import domain_names
from domains.services.domain_settings import set_domain_limits, update_domain
from domains.services.groups import create_group
from tests.access import AnyRow, Args, Place, Role
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import keep, look, too_wide, violations
from tests.domains.factories import make_mailbox_in
from tests.stage import Cast, make_cast
from tests.test_access import collect_rows

SYSTEM = Actor.system()
PARTS = 2  # so that two processes share them
LOOKS = [(DESKTOP, "light"), (PHONE, "dark"), (PHONE, "light"), (DESKTOP, "dark")]
# Answers that are no pages: files, frames inside pages, parts that only htmx asks for.
NO_PAGES = (
    "-export",
    "-example",
    "brand:logo",
    "brand:stylesheet",
    "-download",
    "-eml",
    ":certificate",
    "-body",
    "-value",
    ":part",
    ":signature-picture",
    ":signature-effective",
    "-frame",
    "-canvas",
    "-preview",
    "-part",
    ":styleguide",
)


def object_rows() -> list[AnyRow]:
    """One row of every page that an administrator opens with something in the address, in a domain where it can be."""
    found: dict[str, AnyRow] = {}
    for row in sorted(collect_rows(), key=lambda row: ("domain" not in row.variant, row.name)):
        is_page = row.method == "GET" and not row.route.endswith(NO_PAGES)
        if is_page and row.places != (Place.NONE,) and 200 in _answers(row):
            found.setdefault(row.route, row)
    # what is to be purged was deleted before, with all that other pages show of it
    return [found[route] for route in sorted(found, key=lambda route: (route.endswith("purge"), route))]


def _answers(row: AnyRow) -> set[object]:
    expected = row.expected(Role.ADMINISTRATOR, row.places[0])
    return expected if isinstance(expected, set) else {expected}  # type: ignore[return-value]


def build() -> Cast:
    """The cast, with long names, other scripts and limits that are nearly used up, as pages meet them."""
    engines.close_all()
    if not (paths.keys_dir() / "recovery.pub").exists():
        secrets.make_recovery_key()
    cast = make_cast()
    names = ["bücher.example", "книги.example", "a-rather-long-name-of-a-shop-that-sells-books.example"]
    domain_names.add_names(SYSTEM, cast.domain, names)
    values = {"description": "The shop on the corner", "outgoing_subnets": ["192.0.2.0/24", "2001:db8::/48"]}
    update_domain(SYSTEM, cast.domain, values)
    set_domain_limits(SYSTEM, cast.domain, {"max_mailboxes": 40, "max_aliases": 20})
    set_option(SYSTEM, cast.customer, "LANGUAGE", "de")
    for local in ("ada", "the-one-with-the-longest-local-part-of-all-of-them", "chloé"):
        make_mailbox_in(cast.domain, local)
    create_group(SYSTEM, cast.domain, email="crew", members=["ada@example.org", "friend@elsewhere.example"])
    return cast


def object_pages(cast: Cast, part: int) -> Iterator[tuple[str, str]]:
    """(name, address) of this part's pages; pages of the same thing show the same object."""
    made: dict[object, Args] = {}
    for row in object_rows()[part::PARTS]:
        if row.args not in made:
            made[row.args] = row.make(cast, Role.ADMINISTRATOR, row.places[0])
        yield row.route.replace(":", "-"), reverse(row.route, args=made[row.args])


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_of_an_object_opens_fits_and_axe_finds_nothing(page_as: PageFor, part: int) -> None:
    cast = build()
    page = page_as(cast.administrator)
    wrong: list[str] = []
    for number, (name, path) in enumerate(object_pages(cast, part)):
        size, theme = LOOKS[number % len(LOOKS)]
        look(page, size, theme)
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        if answer.status != 200:
            wrong.append(f"{path} answered {answer.status}")
            continue
        wrong += too_wide(page)
        keep(page, f"object-{name}", size, theme)
        wrong += violations(page)
        other = PHONE if size == DESKTOP else DESKTOP
        look(page, other, theme)
        wrong += too_wide(page)
        keep(page, f"object-{name}", other, theme)
    assert not wrong, "\n".join(wrong)
