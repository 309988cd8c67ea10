"""A search says when the index has not seen everything yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import User
from archive import engines
from archive import store as engine
from archive.services.stores import current_store
from domains.services.mailboxes import ensure_mailbox

pytestmark = pytest.mark.django_db


def test_a_search_before_the_index_has_seen_the_mail_says_so(
    client_for: Callable[[User | None], Client], user: User
) -> None:
    mailbox, _ = ensure_mailbox(Actor.console(), user.email)
    opened = engines.open_store(current_store(Actor.console()))
    opened.mailbox(mailbox.pk, mailbox.address)
    with engine.Ingest(opened, mailbox.pk, index="no") as ingest:
        ingest.put("Inbox", content=b"Subject: lantern\n\nlight\n")
    page = client_for(user).get("/mail/", {"q": "lantern"}).content.decode()
    assert "The index is catching up" in page
    with engine.Ingest(opened, mailbox.pk) as ingest:
        ingest.put("Inbox", content=b"Subject: second lantern\n\nlight\n")
    page = client_for(user).get("/mail/", {"q": "lantern"}).content.decode()
    assert "The index is catching up" not in page
    assert "2 messages found" in page
