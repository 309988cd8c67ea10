"""Cleanmail's operations: version 1's, with ids as strings and moments as epoch milliseconds."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent
from api.cleanmail import listing, sheets
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


def test_an_object_is_sent_back_as_it_was_read_with_one_thing_changed(cast: world.World) -> None:
    token = cast.administrator.token
    policy = cast.own.domain.default_policy
    assert policy is not None
    for path, name, value in (
        (f"/domains/{cast.own.domain.pk}", "defaultLanguage", "ES"),
        (f"/users/{cast.own.person.pk}", "lastname", "Okafor"),
        (f"/policies/{policy.pk}", "spamScore", 6.5),
    ):
        read = ask(token, "GET", path).json()
        changed = ask(token, "PATCH", path, {**read, name: value})
        assert changed.status_code == 204, changed.content
        assert changed["Content-Type"] == "application/json"
        assert ask(token, "GET", path).json()[name] == value
        # what no read tells is a mistake, and so is a wrong value beside what is passed over
        for wrong in ({"nonsense": 1}, {**read, "nonsense": 1}, {**read, "status": "NO", "spamScore": "x"}):
            assert ask(token, "PATCH", path, {name: read[name], **wrong}).status_code in (400, 422), wrong
        assert ask(token, "GET", path).json()[name] == value
    assert ask(cast.user.token, "PATCH", f"/domains/{cast.foreign.domain.pk}", {"id": "1"}).status_code == 404


def test_a_service_of_a_policy_that_is_off_has_no_values(cast: world.World) -> None:
    policy = cast.own.domain.default_policy
    assert policy is not None
    for is_on in (False, True):
        done = ask(cast.administrator.token, "PATCH", f"/policies/{policy.pk}", {"retention": is_on})
        assert done.status_code == 204, done.content
        told = ask(cast.administrator.token, "GET", f"/policies/{policy.pk}").json()
        assert (told["retentionProps"] is not None) == is_on  # manual, 5.4


def test_a_signature_comes_with_a_user(cast: world.World) -> None:
    token = cast.administrator.token
    body = {"email": "sansa@own.example", "status": "ENABLED", "domainId": str(cast.own.domain.pk)}
    made = ask(token, "POST", "/users", {**body, "sign": "<b>Sansa</b>"})
    assert made.status_code == 201, made.content
    place = f"/users/{made.json()['id']}"
    assert ask(token, "GET", f"{place}/sign").json()["sign"] == "PGI+U2Fuc2E8L2I+"
    assert ask(token, "PATCH", place, {"sign": None, "lastname": "Stark"}).status_code == 204
    assert ask(token, "GET", f"{place}/sign").status_code == 200
    assert ask(token, "PATCH", place, {"sign": ""}).status_code == 204
    assert ask(token, "GET", f"{place}/sign").status_code == 404


def test_queries_are_taken_as_the_manual_writes_them(cast: world.World) -> None:
    token, domain = cast.administrator.token, cast.own.domain.pk
    by_name = ask(token, "GET", f"/domains/{domain}/users?name=*own.example")  # the sample of 5.14
    assert [each["email"] for each in by_name.json()] == ["ada@own.example"]
    rule = {"action": "deny", "checkType": "filename", "filter": "x"}
    assert ask(token, "POST", f"/domains/{domain}/filters/attachments", rule).status_code == 201
    for action, count in (("deny", 1), ("DENY", 1), ("allow", 0)):
        assert len(ask(token, "GET", f"/domains/{domain}/filters/attachments?action={action}").json()) == count
    held_for(cast.own.mailbox)
    held = ask(cast.user.token, "GET", f"/users/{cast.own.person.pk}/emails/Quarantine?sort=-send_date&operator=AND")
    assert (held.status_code, len(held.json())) == (200, 1)
    assert len(ask(token, "GET", "/domains/?sort=&offset=&pageSize=").json()) == 2
    wrong = ask(token, "PUT", "/domains")
    assert (wrong.status_code, wrong["Allow"]) == (405, "GET, POST")


def test_a_page_is_as_large_as_it_is_asked_for_and_a_list_a_workbook(
    cast: world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "AT_ONCE", 2)
    token, path = cast.administrator.token, f"/domains/{cast.own.domain.pk}/wblist"
    rules = [{"value": f"{name}@bad.example", "type": "BLOCK", "description": '=1+1 <&"\x01'} for name in "abcde"]
    assert ask(token, "POST", path, [*rules[:4], {**rules[4], "description": None}]).status_code == 201
    for query, names in (("pageSize=4", "abcd"), ("pageSize=9999&offset=1", "bcde"), ("pageSize=3&sort=-value", "edc")):
        found = ask(token, "GET", f"{path}?{query if 'sort' in query else query + '&sort=value'}")
        assert [each["value"][0] for each in found.json()] == list(names) and found["X-Total-Count"] == "5"
    sheet = call(
        "GET", f"/cleanmail/api/v3{path}", Authorization=f"Bearer {token}", Accept="application/vnd.ms-excel"
    )  # fmt: skip
    assert sheet["Content-Type"] == "application/vnd.ms-excel"
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as book:
        assert all(ElementTree.fromstring(book.read(name)) is not None for name in book.namelist())
        lines = [
            [cell.findtext(".//{*}t") or "" for cell in row]
            for row in ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).iter(f"{{{sheets.MAIN}}}row")
        ]
    assert len(lines) == 6 and lines[0][:3] == ["id", "value", "owner"]
    first = dict(zip(lines[0], next(line for line in lines if "a@bad.example" in line), strict=True))
    assert (first["type"], first["description"]) == ("BLOCK", '=1+1 <&"�')
    refused = call(
        "GET", f"/cleanmail/api/v3{path}", Authorization=f"Bearer {cast.user.token}", Accept="application/vnd.ms-excel"
    )  # fmt: skip
    assert refused.status_code in (403, 404) and refused.json()["message"]


def test_what_a_folder_or_a_message_leads_to_is_there(cast: world.World, stores: None) -> None:
    raw = make_raw("The plan", "See the file.\n", attachments=[("plan.bin", b"the plan")])
    archive(cast.own.person, [raw], folder="Work/2005")
    headers: dict[str, Any] = {"Authorization": f"Bearer {cast.user.token}"}
    root = f"/users/{cast.own.person.email}/emails"
    folders = ask(cast.user.token, "GET", f"{root}/folders/Work").json()
    (line,) = call("GET", folders[0]["messagesUri"], **headers).json()
    message = call("GET", line["uri"], **headers).json()
    assert message["uri"] == line["uri"] and message["subject"] == "The plan"
    (file,) = message["attachments"]["attachments"]
    for name in ("downloadUri", "displayUri"):
        assert call("GET", file[name], **headers).content == b"the plan"


def test_what_was_deleted_comes_back_by_being_made_again(cast: world.World) -> None:
    token, domain = cast.administrator.token, str(cast.own.domain.pk)
    user = {
        "email": "ada@own.example",
        "firstname": "Ada",
        "lastname": "Stark",
        "status": "ENABLED",
        "domainId": domain,
    }
    assert ask(token, "POST", "/users", user).status_code == 409
    key = str(cast.own.person.pk)
    assert ask(token, "DELETE", f"/users/{key}").status_code == 204
    wrong = ask(token, "POST", "/users", {**user, "password": "x"})
    assert wrong.status_code in (400, 422) and ask(token, "GET", f"/users/{key}").json()["status"] == "DELETED"
    assert ask(cast.reader.token, "POST", "/users", user).status_code == 403  # may only read
    assert ask(token, "GET", f"/users/{key}").json()["status"] == "DELETED"
    made = ask(token, "POST", "/users", user)
    assert (made.status_code, made["Location"]) == (201, f"/cleanmail/api/v3/users/{key}"), made.content
    found = ask(token, "GET", f"/users/{key}").json()
    assert (found["status"], found["lastname"], made.json()["id"]) == ("ENABLED", "Stark", key)
    body = {"name": "own.example", "status": "ENABLED", "incoming": True, "outgoing": False, "defaultLanguage": "DE"}
    assert ask(token, "DELETE", f"/domains/{domain}").status_code == 204
    made = ask(token, "POST", "/domains", body)
    assert (made.status_code, made.json()["id"], made.json()["defaultLanguage"]) == (201, domain, "DE"), made.content
    assert ask(token, "GET", f"/domains/{domain}").json()["status"] == "ENABLED"


def test_a_relay_is_tried_without_saying_for_whom(cast: world.World) -> None:
    relay = {"transportDest": "127.0.0.1", "transportPort": 1, "authType": "local", "apiType": "IMAP"}
    tried = ask(cast.administrator.token, "POST", "/health/try-relay", relay)
    assert tried.status_code in (200, 201) and tried.json()["report"]["status"] is False, tried.content
    assert ask(cast.user.token, "POST", "/health/try-relay", relay).status_code in (403, 404, 422)
