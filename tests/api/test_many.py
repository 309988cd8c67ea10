"""Many at once by the API: bulk actions with their numbers, users and rules from a text."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import Mailbox, Status
from domains.services.importing.kinds import KINDS
from domains.services.lists.settings import create_list
from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem
from tests.csv_access import BASE, prepare
from tests.domains.factories import make_mailbox_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


# --- bulk actions -----------------------------------------------------------------------------------------------------


def test_what_can_be_done_to_many_is_told_by_one_s_rights(cast: world.World) -> None:
    offered = {each["listName"]: each for each in cast.delegate.get("/bulk").json()}
    users = {each["action"]: each for each in offered["domains.users"]["actions"]}
    assert {"enable", "disable", "delete"} <= set(users) and users["delete"]["destructive"]
    assert "guide" not in {each["listName"] for each in cast.administrator.get("/bulk").json()}, "an example of pages"
    assert not {each["listName"] for each in cast.user.get("/bulk").json()} & {"domains.users", "domains.domains"}


def test_many_users_are_shut_out_after_a_preview_in_numbers(cast: world.World) -> None:
    others = [make_mailbox_in(cast.own.domain) for _ in range(3)]
    ask = {"listName": "domains.users", "action": "disable", "ids": [each.user_id for each in others]}
    preview = cast.delegate.post("/bulk/preview", ask)
    assert preview.status_code == 200 and preview.json()["will"] == 3, preview.content
    assert cast.reader.post("/bulk/preview", ask).status_code == 200
    is_problem(cast.reader.post("/bulk", ask), 403)
    other = is_problem(cast.delegate.post("/bulk", ask | {"expected": 2}), 409)
    assert other["errors"][0]["field"] == "expected"
    started = cast.delegate.post("/bulk", ask | {"expected": 3})
    assert started.status_code == 202, started.content
    run_waiting(started.json()["id"])
    assert cast.delegate.get(started["Location"]).json()["result"]["changed"] == 3
    assert Mailbox.objects.filter(status=Status.DISABLED).count() == 3


def test_a_bulk_action_reaches_nothing_beyond_one_s_rows(cast: world.World) -> None:
    ask = {"listName": "domains.users", "action": "disable", "ids": [cast.foreign.person.pk]}
    assert cast.delegate.post("/bulk/preview", ask).json()["will"] == 0
    everything = {"listName": "domains.users", "action": "disable", "filter": ""}
    assert cast.delegate.post("/bulk/preview", everything).json()["will"] == 1
    is_problem(cast.user.post("/bulk/preview", everything), 422)
    wrong = [
        ("listName", {"listName": "domains.none", "action": "disable", "filter": ""}),
        ("listName", {"listName": "guide", "action": "cancel", "filter": ""}),
        ("action", {"listName": "domains.users", "action": "fly", "filter": ""}),
        ("ids", {"listName": "domains.users", "action": "disable"}),
        ("filter", {"listName": "domains.users", "action": "disable", "filter": "q=quota>x"}),
        ("expected", {"listName": "domains.users", "action": "delete", "filter": ""}),
    ]
    for field, body in wrong:
        assert is_problem(cast.delegate.post("/bulk", body), 422)["errors"][0]["field"] == field
    assert Task.objects.count() == 0


# --- from a text ------------------------------------------------------------------------------------------------------


def test_users_come_from_a_csv_text_after_a_dry_run(cast: world.World) -> None:
    text = "email,first_name,last_name\nb1@own.example,Bea,One\nb2@own.example,Bob,Two\n"
    tried = cast.delegate.post("/imports/users", {"csv": text})
    assert tried.status_code == 202, tried.content
    run_waiting(tried.json()["id"])
    result = cast.delegate.get(tried["Location"]).json()["result"]
    assert not Mailbox.objects.filter(address="b1@own.example").exists()
    done = cast.delegate.post("/tasks", {"command": "ImportUsers", "params": {"upload": result["upload"]}})
    assert done.status_code == 202, done.content
    run_waiting(done.json()["id"])
    assert cast.delegate.get("/users?email=b1@own.example").json()[0]["firstname"] == "Bea"
    assert is_problem(cast.delegate.post("/imports/users", {"csv": "nonsense\n"}), 422)["errors"][0]["field"] == "csv"
    is_problem(cast.user.post("/imports/users", {"csv": text}), 403)


def test_an_import_reaches_no_foreign_domain(cast: world.World) -> None:
    text = "email\nx@foreign.example\n"
    started = cast.delegate.post("/imports/users", {"csv": text, "dryRun": False})
    run_waiting(started.json()["id"])
    cast.delegate.get(started["Location"])
    assert not Mailbox.objects.filter(address="x@foreign.example").exists()


EXPECTED = {
    "users": "new@own.example",
    "aliases": "new@own.example,owner@own.example",
    "groups": "new@own.example",
    "forwards": "new@own.example,,,enabled,x@elsewhere.example",
    "forwarding": "owner@own.example,x@elsewhere.example,yes",
    "catch-alls": "own.example,x@elsewhere.example",
    "subscribers": "news@own.example,new@elsewhere.example",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_tried_imported_and_exported(cast: world.World, kind: str) -> None:
    domain = cast.own.domain
    prepare(domain)
    cells = {name: value.replace("{d}", domain.name) for name, value in BASE[kind].items()}
    text = ",".join(cells) + "\n" + ",".join(cells.values()) + "\n"
    (said,) = [each for each in cast.delegate.get("/imports").json() if each["kind"] == kind]
    assert set(said["required"]) <= set(cells) <= set(said["columns"])
    tried = cast.delegate.post(f"/imports/{kind}", {"csv": text})
    run_waiting(tried.json()["id"])
    result = cast.delegate.get(tried["Location"]).json()["result"]
    assert result["created"] == 1 and result["refused"] == 0, result
    assert EXPECTED[kind] not in read(cast.delegate.get(f"/exports/{kind}"))
    started = cast.delegate.post("/tasks", {"command": said["command"], "params": {"upload": result["upload"]}})
    run_waiting(started.json()["id"])
    found = read(cast.delegate.get(f"/exports/{kind}?domainId={domain.pk}"))
    assert EXPECTED[kind] in found
    if not said["changes"]:
        return  # users that are there are refused, not compared
    again = cast.delegate.post(f"/imports/{kind}", {"csv": found, "dryRun": False})
    run_waiting(again.json()["id"])
    result = cast.delegate.get(again["Location"]).json()["result"]
    assert (result["created"], result["changed"]) == (0, 0) and result["same"] > 0, result


def test_an_export_is_one_s_own_and_of_what_was_asked(cast: world.World) -> None:
    other = make_mailbox_in(cast.foreign.domain, "hidden")
    assert other.address not in read(cast.delegate.get("/exports/users"))
    assert other.address in read(cast.administrator.get("/exports/users"))
    assert other.address not in read(cast.administrator.get(f"/exports/users?domainId={cast.own.domain.pk}"))
    assert cast.reader.get("/exports/users").status_code == 200
    assert cast.delegate.get("/exports/users")["Content-Type"] == "text/csv; charset=utf-8"
    is_problem(cast.delegate.get(f"/exports/users?domainId={cast.foreign.domain.pk}"), 404)
    is_problem(cast.delegate.get("/exports/planets"), 404)
    is_problem(cast.delegate.get("/exports/users", Accept="application/xml"), 406)
    is_problem(cast.user.get("/exports/users"), 403)


def test_an_owner_imports_and_exports_the_subscribers_of_their_list_alone(cast: world.World) -> None:
    news = create_list(Actor.system(), cast.own.domain, email="news", owner=cast.own.mailbox)
    other = create_list(Actor.system(), cast.foreign.domain, email="other", owner=cast.foreign.mailbox)
    assert [each["kind"] for each in cast.user.get("/imports").json()] == ["subscribers"]
    text = "email\nreader@elsewhere.example\n"
    done = cast.user.post("/imports/subscribers", {"csv": text, "dryRun": False, "listId": news.pk})
    run_waiting(done.json()["id"])
    assert "reader@elsewhere.example" in read(cast.user.get(f"/exports/subscribers?listId={news.pk}"))
    foreign = cast.user.post("/imports/subscribers", {"csv": text, "dryRun": False, "listId": other.pk})
    assert is_problem(foreign, 422)["errors"][0]["field"] == "listId"
    is_problem(cast.user.get(f"/exports/subscribers?listId={other.pk}"), 404)
    is_problem(cast.user.get("/exports/subscribers"), 403)


def read(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_rules_go_out_and_come_in_as_a_text(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/filters/senders"
    cast.delegate.post(f"/domains/{cast.own.domain.pk}/wblist", [{"value": "spam@bad.example", "type": "BLOCK"}])
    out = cast.delegate.get(f"{path}/export").json()
    assert out["format"] == "CSV" and "spam@bad.example" in out["content"]
    more = out["content"].replace("spam@bad.example", "other@bad.example")
    tried = cast.delegate.post(f"{path}/import", {"content": more}).json()
    assert tried["possible"] and tried["numbers"]["new"] == 1
    assert len(cast.delegate.get(f"/domains/{cast.own.domain.pk}/wblist").json()) == 1
    done = cast.delegate.post(f"{path}/import", {"content": more, "replace": True, "dryRun": False})
    assert done.status_code == 200 and done.json()["numbers"]["removed"] == 1, done.content
    (left,) = cast.delegate.get(f"/domains/{cast.own.domain.pk}/wblist").json()
    assert left["value"] == "other@bad.example"
    is_problem(cast.delegate.post(f"{path}/import", {"content": "nonsense", "dryRun": False}), 422)
    is_problem(cast.delegate.get(f"/domains/{cast.own.domain.pk}/filters/planets/export"), 404)


# --- over all domains -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/groups", "/forwards", "/lists", "/policies", "/platforms"])
def test_lists_over_all_domains_show_one_s_own(cast: world.World, path: str) -> None:
    values: dict[str, dict[str, Any]] = {
        "/groups": {"email": "g", "recipients": ["x@elsewhere.example"]},
        "/forwards": {"email": "f", "recipients": ["x@elsewhere.example"]},
        "/lists": {"email": "l", "ownerId": None},
        "/policies": {"name": "P"},
        "/platforms": {"name": "R", "transportDest": "127.0.0.1", "transportType": "SMTP", "transportPort": 25},
    }
    made = {}
    for place in (cast.own, cast.foreign):
        body = values[path] | ({"ownerId": place.person.pk} if path == "/lists" else {})
        answer = cast.administrator.post(f"/domains/{place.domain.pk}{path}", body)
        assert answer.status_code == 201, answer.content
        made[place.domain.pk] = answer.json()["id"]
    seen = {each["id"] for each in cast.delegate.get(path).json()}
    assert made[cast.own.domain.pk] in seen and made[cast.foreign.domain.pk] not in seen
    assert set(made.values()) <= {each["id"] for each in cast.administrator.get(path).json()}
    is_problem(cast.user.get(path), 403)


def test_where_rights_come_from_is_told(cast: world.World) -> None:
    found = {each["name"]: each for each in cast.delegate.get("/me/rights").json()}
    (source,) = found["manage_users"]["sources"]
    assert (source["objectType"], source["objectName"]) == ("DOMAIN", "own.example") and source["role"]
    assert "manage_server" not in found
    own = cast.delegate.get("/me").json()["id"]
    assert cast.administrator.get(f"/security/admins/{own}/rights").json() == list(found.values())


def test_a_deleted_user_is_not_purged_by_one_alone_and_the_template_of_new_ones_is_told(cast: world.World) -> None:
    other = make_mailbox_in(cast.own.domain)
    path = f"/users/{other.user_id}"
    is_problem(cast.delegate.post(f"{path}/purge"), 409)
    assert cast.delegate.delete(path).status_code == 204
    assert is_problem(cast.delegate.post(f"{path}/purge"), 409)["type"].endswith("approval-needed")
    assert cast.delegate.get(path).json()["status"] == "DELETED"
    template = f"/domains/{cast.own.domain.pk}/template"
    assert cast.delegate.get(template).json()["status"] == "ENABLED"
    cast.delegate.post(f"/domains/{cast.own.domain.pk}/options", {"name": "ACCOUNT_STATUS", "value": "pending"})
    assert cast.delegate.get(template).json()["status"] == "PENDING"


def test_folders_of_others_are_shut_and_no_token_opens_them(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/folder-privileges"
    shut = {"archive": cast.own.mailbox.address, "folder": "Inbox/Old", "privileges": ["none"]}
    assert cast.delegate.put(path, shut).json()["privileges"] == ["none"]
    assert cast.delegate.get(path).json()[0]["folder"] == "Inbox/Old"
    is_problem(cast.administrator.put(path, shut | {"privileges": ["read"]}), 403)
    foreign = shut | {"archive": cast.foreign.mailbox.address}
    assert is_problem(cast.delegate.put(path, foreign), 422)["errors"][0]["field"] == "archive"
    assert cast.delegate.delete(path).status_code == 204


def test_single_targets_of_a_forwarding_are_added_and_taken_away(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/forwarding"
    assert cast.user.put(f"{path}/x@elsewhere.example").json() == {
        "recipients": ["x@elsewhere.example"], "keepCopy": True,
    }  # fmt: skip
    cast.user.put(f"{path}/Y@elsewhere.example")
    assert cast.user.delete(f"{path}/{cast.own.mailbox.address}").status_code == 204
    assert cast.user.get(path).json() == {
        "recipients": ["x@elsewhere.example", "y@elsewhere.example"], "keepCopy": False,
    }  # fmt: skip
    assert cast.user.delete(f"{path}/x@elsewhere.example").status_code == 204
    is_problem(cast.user.delete(f"{path}/x@elsewhere.example"), 404)
    assert cast.user.put(f"{path}/{cast.own.mailbox.address}").json()["keepCopy"]
    is_problem(cast.user.put(f"{path}/nonsense"), 422)
