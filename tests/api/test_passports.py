"""Messages are followed by the API as on the pages: by whom it concerns, by what one remembers of them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from api import listing
from domains.models import Mailbox
from gateway.models import Kept, Recipient
from gateway.steps import Kind, step
from tests.api import world
from tests.api.callers import is_problem
from tests.gateway.flows import RAW, file_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def came(mailbox: Mailbox, subject: str, message_id: str = "", score: float = 0.0) -> Recipient:
    raw = RAW.replace(b"The bridge", subject.encode())
    row = file_for(mailbox, raw, score=score)
    if message_id:
        row.message.message_id = message_id
        row.message.save()
    return row


def found(cast: world.World, query: str, path: str = "/passports") -> list[str]:
    return [each["subject"] for each in cast.delegate.get(f"{path}?{query}").json()]


def test_one_follows_what_one_may_and_ones_own(cast: world.World) -> None:
    own, foreign = came(cast.own.mailbox, "Ours"), came(cast.foreign.mailbox, "Theirs")
    assert found(cast, "") == ["Ours"]
    assert {each["subject"] for each in cast.administrator.get("/passports").json()} == {"Ours", "Theirs"}
    is_problem(cast.user.get("/passports"), 403)
    (line,) = cast.user.get("/me/passports").json()
    assert (line["id"], line["key"], line["to"]) == (own.pk, own.message.key, cast.own.mailbox.address)
    assert (line["userId"], line["domainId"]) == (cast.own.person.pk, cast.own.domain.pk)
    is_problem(cast.user.get(f"/passports/{foreign.pk}"), 404)
    is_problem(cast.delegate.get(f"/passports/{foreign.pk}"), 404)


def test_messages_are_found_by_what_one_remembers_of_them(cast: world.World) -> None:
    came(cast.own.mailbox, "Monthly report of June", "<june@friends.example>")
    came(cast.own.mailbox, "You have won", score=9.5)
    june = ["Monthly report of June"]
    address = cast.own.mailbox.address
    for query, subjects in (
        ("subject=monthly%20rep", june),
        ("subject=report%20monthly", []),
        ("messageId=june%40friends.example", june),
        (f"messageId={quote('<june@friends.example>')}", june),
        ("state=held", ["You have won"]),
        ("verdict=spam", ["You have won"]),
        ("verdict=clean&direction=incoming", june),
        (f"to={address[:5].upper()}*&verdict=clean", june),
        (f"to={address[:5]}", []),
        ("envelopeSender=bob%40*&state=held", ["You have won"]),
        (f"domainId={cast.own.domain.pk}&subject=won", ["You have won"]),
        ("receivedBefore=2001-01-01T00:00:00Z", []),
    ):
        assert found(cast, query) == subjects, query
    is_problem(cast.delegate.get("/passports?subject=-"), 422)
    is_problem(cast.delegate.get("/passports?state=lost"), 422)


def test_what_takes_too_long_to_count_says_what_the_page_shows(
    cast: world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        came(cast.own.mailbox, f"Report {number}")
    monkeypatch.setattr(listing, "count_in_time", lambda *_: (None, False))

    def told(query: str) -> tuple[int, str | None, bool]:
        response = cast.delegate.get(f"/passports?{query}")
        return len(response.json()), response.get("X-Total-Count"), "X-Total-Capped" in response

    for query in ("pageSize=2", "pageSize=2&cursor=start"):
        assert told(query) == (2, "2", True), query
    assert told("pageSize=2&offset=2") == (1, "3", False)
    assert told("pageSize=3") == (3, "3", False)
    assert told("offset=9") == (0, None, False)


def test_a_passport_tells_why_and_what_happened(cast: world.World) -> None:
    row = came(cast.own.mailbox, "You have won", score=9.5)
    tried = {"host": "mx.example.net", "ok": False, "reply": "451 busy"}
    step(Kind.ATTEMPT, row.message, row, data=tried).save()
    read = cast.user.get(f"/passports/{row.pk}").json()
    assert read["reason"] == "Its spam score is 9.5; spam begins at 5.0."
    assert [each["decides"] for each in read["findings"]].count(True) == 1
    assert (read["clientAddress"], read["state"], read["facts"]["score"]) == ("192.0.2.7", "held", 9.5)
    assert [each["kind"] for each in read["steps"]] == ["received", "judged", "attempt"]
    assert read["steps"][-1]["data"] == {} and "451 busy" in read["steps"][-1]["more"]
    followed = cast.delegate.get(f"/passports/{row.pk}").json()
    assert followed["steps"][-1]["data"] == tried and "451 busy" in followed["steps"][-1]["more"]
    assert [each["sha256"] for each in read["kept"]] == [None, None]  # not in a store yet
    Kept.objects.filter(recipient=row).update(store_id=7, number=41, sha256=b"\xab" * 32)
    again = cast.user.get(f"/passports/{row.pk}").json()["kept"]
    assert {(each["storeId"], each["number"], each["sha256"]) for each in again} == {(7, 41, "ab" * 32)}
    assert {each["folder"] for each in read["kept"]} == {"Archive", "Quarantine"}  # as the policy of these tests keeps
