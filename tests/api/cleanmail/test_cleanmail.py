"""Cleanmail's operations: version 1's, with ids as strings and moments as epoch milliseconds."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent
from api.cleanmail.words import inward, outward
from domains.services import policies
from tests.api import world
from tests.api.dialects.calling import call, switch_on
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_mails, make_raw
from tests.gateway.factories import held_for

__all__ = ["stores"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> world.World:
    switch_on("cleanmail")
    return world.build()


def ask(token: str, method: str, path: str, body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return call(method, f"/cleanmail/api/v3{path}", text, Authorization=f"Bearer {token}")


def test_ids_are_strings_and_moments_epoch_milliseconds_both_ways() -> None:
    ours = {"id": 7, "domainIds": [1, 2], "count": 3, "createdAt": "2026-03-25T16:52:47.139Z", "performedAt":
            "2026-03-25T16:52:47Z", "name": "7"}  # fmt: skip
    theirs = {"id": "7", "domainIds": ["1", "2"], "count": 3, "createdAt": 1774457567139, "performedAt": 1774457567,
              "name": "7"}  # fmt: skip
    assert outward(ours) == theirs
    sent = inward({"policyId": "7", "expiration": 1774457567139, "name": "7", "pageSize": 5})
    assert sent == {"policyId": 7, "expiration": "2026-03-25T16:52:47.139000Z", "name": "7", "pageSize": 5}


def test_a_domain_is_made_read_listed_and_deleted(cast: world.World) -> None:
    token = cast.administrator.token
    made = ask(token, "POST", "/domains", {"name": "new.example", "status": "ENABLED"})
    assert made.status_code == 201, made.content
    key = made.json()["id"]
    assert isinstance(key, str) and made["Location"].startswith("/cleanmail/api/v3/domains/")
    assert ask(token, "GET", f"/domains/{key}").json()["name"] == "new.example"
    listed = ask(token, "GET", "/domains?offset=0&pageSize=1&sort=-name")
    assert listed["X-Total-Count"] == "3" and len(listed.json()) == 1
    assert ask(token, "DELETE", f"/domains/{key}").status_code in (202, 204)
    assert AuditEvent.objects.filter(action="domain.create", object_label="new.example").get().via == "cleanmail"


def test_a_person_is_named_by_id_or_address_and_only_to_who_may_see_them(cast: world.World) -> None:
    address = cast.own.person.email
    by_address = ask(cast.delegate.token, "GET", f"/users/{address}")
    assert by_address.status_code == 200, by_address.content
    assert by_address.json() == ask(cast.delegate.token, "GET", f"/users/{cast.own.person.pk}").json()
    for token, person in ((cast.delegate.token, cast.foreign.person.email), (cast.user.token, "nobody@own.example")):
        refused = ask(token, "GET", f"/users/{person}")
        assert refused.status_code == 404 and refused.json()["message"]


def test_errors_have_a_message_and_no_caller_is_unknown(cast: world.World) -> None:
    assert ask("", "GET", "/domains").status_code == 401
    assert ask(cast.administrator.token, "GET", "/nothing").json()["status"] == 404
    wrong = ask(cast.administrator.token, "POST", "/domains", {"name": "not a name", "status": "ENABLED"})
    assert wrong.status_code == 400 and wrong.json()["status"] == 400 and wrong.json()["errors"]  # manual, 5.5
    for body in (b"[" * 9000, b"\xff", b'{"a":1e999}'):
        broken = call("POST", "/cleanmail/domains", body, Authorization=f"Bearer {cast.administrator.token}")
        assert broken.status_code in (400, 422) and broken.json()["message"]


def test_a_policy_that_is_somebody_s_is_refused_with_400(cast: world.World) -> None:
    policy = cast.own.domain.default_policy
    assert policy is not None
    assert ask(cast.administrator.token, "DELETE", f"/policies/{policy.pk}").status_code == 400  # manual, 5.4


def test_moments_in_a_query_are_epoch_milliseconds_too(cast: world.World) -> None:
    held_for(cast.own.mailbox)
    path = f"/users/{cast.own.person.pk}/emails/Quarantine"
    for query, count in (("receivedAfter=1574457567139", 1), ("receivedBefore=1574457567139", 0)):
        found = ask(cast.user.token, "GET", f"{path}?{query}")
        assert found.status_code == 200, found.content
        assert len(found.json()) == count
    (line,) = ask(cast.user.token, "GET", path).json()
    assert line["uri"].startswith(f"/cleanmail/api/v3{path}/")  # leads back to where the caller came in


def test_a_folder_of_an_archive_is_an_array_with_offset_and_sort(cast: world.World, stores: None) -> None:
    archive(cast.own.person, make_mails(5), folder="Work/2005")
    token, path = cast.user.token, f"/users/{cast.own.person.email}/emails/Work%2F2005"
    found = ask(token, "GET", f"{path}?offset=1&pageSize=2")
    assert (found.status_code, found["X-Total-Count"]) == (200, "5"), found.content
    newest_but_one = [each["subject"] for each in found.json()]
    assert newest_but_one == ["Report 3", "Report 2"] and isinstance(found.json()[0]["sentDate"], int)
    upwards = ask(token, "GET", f"{path}?offset=1&pageSize=2&sort=sentDate").json()
    assert [each["subject"] for each in upwards] == ["Report 1", "Report 2"]
    assert len(ask(token, "GET", f"{path}?receivedAfter=1574457567139").json()) == 0  # 2019
    assert len(ask(token, "GET", f"{path}?receivedAfter=1074457567139").json()) == 5  # 2004
    assert ask(token, "GET", f"{path}?offset=5").json() == []
    for query in ("offset=-1", "sort=subject", "pageSize=0"):
        assert ask(token, "GET", f"{path}?{query}").status_code == 400
    (folder,) = ask(token, "GET", f"/users/{cast.own.person.pk}/emails/folders").json()
    assert folder["childrenUri"].startswith("/cleanmail/api/v3/users/")
    assert ask(token, "GET", f"/users/{cast.own.person.email}/emails/Other/1").status_code == 404
    assert ask(cast.user.token, "GET", f"/users/{cast.foreign.person.pk}/emails/Work/1").status_code == 404


def test_a_file_is_uploaded_as_a_form_and_answered_with_200(cast: world.World) -> None:
    policy = cast.own.domain.default_policy
    assert policy is not None
    policies.update_policy(Actor.system(), policy, {"outgoing": True})
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="plan.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\r\n\xff\r\n--x--\r\n"
    )
    sent: dict[str, Any] = {"content_type": "multipart/form-data; boundary=x"}
    headers: dict[str, Any] = {"Authorization": f"Bearer {cast.user.token}"}
    made = call("POST", "/cleanmail/api/v3/emails/attachments", body, **sent, **headers)
    assert made.status_code == 200, made.content
    file = made.json()
    assert (file["name"], file["type"], file["size"]) == ("plan.pdf", "application/pdf", 11)
    assert call("GET", file["uri"], **headers).content == b"%PDF-1.4\r\n\xff"
    empty = call("POST", "/cleanmail/api/v3/emails/attachments", b"--x--\r\n", **sent, **headers)
    assert empty.status_code == 400


def test_a_message_of_the_own_archive_is_read_with_its_attachments_another_s_on_its_page_only(
    cast: world.World, stores: None
) -> None:
    raw = make_raw("The plan", "See the file.\n", attachments=[("plan.bin", b"the plan")])
    (key,) = archive(cast.own.person, [raw], folder="Work/2005")
    token, path = cast.user.token, f"/users/{cast.own.person.email}/emails/Work%2F2005"
    read = ask(token, "GET", f"{path}/{key}?fields=HEADERS,CONTENT,SOURCE")
    assert read.status_code == 200, read.content
    found = read.json()
    assert (found["id"], found["subject"], found["from"]) == (key, "The plan", "Ann Example <ann@example.net>")
    assert found["to"] == ["bob@example.org"] and found["headers"]["Subject"] == ["The plan"]
    assert found["sentDate"] == 1075543200000  # 31 January 2004, 10:00 UTC
    assert (found["content"], found["source"].encode()) == ("See the file.", raw)
    assert ask(token, "GET", f"{path}/{key}").json()["content"] is None  # HEADERS alone
    assert ask(token, "GET", f"{path}/{quote(found['messageId'], safe='')}").json()["id"] == key
    (file,) = ask(token, "GET", f"{path}/{key}/attachments").json()["attachments"]
    assert (file["name"], file["size"]) == ("plan.bin", 8)
    assert ask(token, "GET", f"{path}/{key}/attachments/{file['partId']}").content == b"the plan"
    assert call("GET", file["downloadUri"], Authorization=f"Bearer {token}").status_code in (200, 404)
    assert ask(token, "GET", f"{path}/{key}/attachments/99").status_code == 404
    # in another folder it isn't, for others there is nothing, and an administrator is told how
    assert ask(token, "GET", f"/users/{cast.own.person.pk}/emails/Inbox/{key}").status_code == 404
    of_others = ask(cast.administrator.token, "GET", f"{path}/{key}")
    assert of_others.status_code == 403 and "with a reason" in of_others.json()["message"]
    foreign = cast.foreign.person
    assert ask(token, "GET", f"/users/{foreign.pk}/emails/Work/{key}").status_code == 404
