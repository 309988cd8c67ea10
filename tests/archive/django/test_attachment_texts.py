"""Words in attached files: found, shown with the file they stand in, and said where they can't be read."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services.options import set_option
from archive import engines
from archive.services.stores import current_store
from archive.store.index import SCHEMA_VERSION
from archive.store.indexer import Indexer
from tests.archive.django.factories import archive, make_raw
from tests.archive.texts import makers

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]


def test_words_in_attached_files_are_found_and_the_hit_names_the_file(client_for: ClientFor, user: User) -> None:
    packed = makers.zipped({"plan.docx": makers.docx("the zebra plan")})
    archive(
        user,
        [
            makers.mail({"offer.pdf": makers.pdf("a giraffe in a PDF"), "all.zip": packed}, subject="Offer"),
            makers.mail({"locked.pdf": makers.pdf("x", locked=True)}, subject="Locked"),
            make_raw("Plain", "no files, but a giraffe"),
        ],
    )
    browser = client_for(user)

    def found(query: str) -> str:
        return re.sub(r"\s+", " ", browser.get("/mail/", {"q": query}).content.decode())

    page = found("giraffe")
    assert "2 messages found" in page
    assert "offer.pdf</span>" in page and "a <mark>giraffe</mark> in a PDF" in page
    page = found("attachment:zebra")
    assert "1 message found" in page and "all.zip/plan.docx" in page and "<mark>zebra</mark>" in page
    assert "1 message found" in found("attachment:plan.docx")
    assert "0 messages found" in found("attachment:giraffe body:giraffe") or "Nothing" in found("body:zebra")
    page = found("has:unindexed")
    assert "1 message found" in page and "Locked" in page

    link = re.search(r'class="mail__subject" href="([^"]+)"', page)
    assert link
    message = browser.get(link[1].replace("&amp;", "&")).content.decode()
    assert "Indexed in part" in message and "locked.pdf" in message and "(encrypted)" in message


@pytest.mark.django_db(transaction=True)
def test_what_an_administrator_leaves_out_is_not_read_and_an_old_index_is_made_again(
    administrator: User, user: User
) -> None:
    set_option(Actor.for_user(administrator), SERVER, "INDEXED_ATTACHMENTS", ["office"])
    archive(user, [makers.mail({"a.pdf": makers.pdf("giraffe"), "b.docx": makers.docx("zebra"), "c.csv": b"ostrich"})])
    store = current_store(Actor.for_user(administrator))
    opened = engines.open_store(store)
    assert opened.search("giraffe", mailboxes=None).total == opened.search("ostrich", mailboxes=None).total == 0
    assert opened.search("zebra", mailboxes=None).total == 1

    note = opened.index_path / "position.json"
    note.write_text(note.read_text().replace(f'"schema": {SCHEMA_VERSION}', '"schema": 1'))
    engines.close_store(store)
    opened = engines.open_store(store)
    assert opened.search("zebra", mailboxes=None).total == 0
    with Indexer(opened) as indexer:
        indexer.advance()
    assert opened.search("zebra", mailboxes=None).total == 1
