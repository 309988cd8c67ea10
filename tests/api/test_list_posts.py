"""Moderators decide by the API as on the page; what was decided is decided."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from domains.models import MailingList
from gateway.models import ListPosting
from tests.api import world
from tests.api.callers import is_problem
from tests.api.things import a_list_post

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_what_waits_is_read_and_decided_by_its_moderators_once(cast: world.World) -> None:
    made = a_list_post(cast.own)
    posts = f"/lists/{made['listId']}/posts"
    (waiting,) = cast.user.get(f"{posts}?state=held").json()  # who owns the list
    assert (waiting["id"], waiting["subject"], waiting["state"]) == (made["postId"], "You have won", "held")
    one = f"{posts}/{made['postId']}"
    assert cast.delegate.get(one).json()["listId"] == made["listId"]
    theirs = a_list_post(cast.foreign)
    is_problem(cast.delegate.get(f"/lists/{theirs['listId']}/posts/{theirs['postId']}"), 404)
    assert cast.delegate.post(f"{one}/approval", None).status_code == 204
    row = ListPosting.objects.get(pk=made["postId"])
    assert (row.state, row.is_approved) == ("waiting", True) and row.decided_by
    is_problem(cast.user.post(f"{one}/refusal", {"silently": True}), 404)
    assert cast.user.get(f"{posts}?state=held").json() == []


def test_a_refusal_may_be_silent_and_is_told_in_the_trail(cast: world.World) -> None:
    made = a_list_post(cast.own)
    answer = cast.delegate.post(f"/lists/{made['listId']}/posts/{made['postId']}/refusal", {"silently": True})
    assert answer.status_code == 204
    assert ListPosting.objects.get(pk=made["postId"]).state == "refused"
    assert AuditEvent.objects.filter(action="list.discard").count() == 1
    assert cast.delegate.post(f"/lists/{made['listId']}/digest", None).json() == {"sent": False}
    assert MailingList.objects.filter(pk=made["listId"]).exists()
