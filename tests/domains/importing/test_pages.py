"""The pages of imports: a file is looked at, then imported; what is there is sent; foreign things stay foreign."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from domains.import_wording import WORDS
from domains.models import Address, CsvUpload, Domain, Subscriber
from domains.services.groups import create_group
from domains.services.importing.kinds import KINDS
from domains.services.lists import settings as list_settings
from domains.services.lists.subscribing import add_subscribers
from jobs.models import Task
from jobs.services import run_waiting
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

ClientFor = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


def sent(browser: Client, kind: str, text: str, query: str = "", **fields: str) -> Task:
    """Send a file; the dry run, ended."""
    file = SimpleUploadedFile("file.csv", text.encode())
    response = browser.post(reverse("domains:csv-import", args=[kind]) + query, {"file": file, **fields})
    assert response.status_code == 303
    task = Task.objects.latest("pk")
    run_waiting(task.pk)
    task.refresh_from_db()
    return task


def text_of(browser: Client, path: str) -> str:
    response = browser.get(path)
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_a_file_of_groups_is_looked_at_and_then_imported(domain: Domain, client_for: ClientFor) -> None:
    browser = client_for(make_delegate(domain))
    create_group(SYSTEM, domain, email="old", name="Old")
    text = "email,name,members\nnew@example.org,New,x@elsewhere.example\nold@example.org,Changed,\n"
    refused = sent(browser, "groups", text)
    page = browser.get(reverse("jobs:task-detail", args=[refused.pk])).content.decode()
    assert "there already, and differs" in page and "Nothing was imported" in page
    dry = sent(browser, "groups", text, change="on")
    page = browser.get(reverse("jobs:task-detail", args=[dry.pk])).content.decode()
    assert "Make 1 and change 1" in page and not Address.objects.filter(text="new@example.org").exists()
    assert dry.result is not None
    run_url = reverse("domains:csv-import-run", args=["groups", dry.result["upload"]])
    assert run_url in page and 'name="change" value="1"' in page
    assert browser.post(run_url, {"change": "1"}).status_code == 303
    task = run_waiting(Task.objects.latest("pk").pk)
    assert task is not None and task.state == "completed"
    assert Address.objects.get(text="old@example.org").name == "Changed"
    assert reverse("domains:group-list") in browser.get(reverse("jobs:task-detail", args=[task.pk])).content.decode()
    assert browser.post(run_url).headers["Location"] == reverse("domains:csv-import", args=["groups"])  # it is gone


def test_a_file_with_unknown_columns_is_refused_at_once(domain: Domain, client_for: ClientFor) -> None:
    browser = client_for(make_delegate(domain))
    file = SimpleUploadedFile("file.csv", b"email,mebmers\n")
    response = browser.post(reverse("domains:csv-import", args=["groups"]), {"file": file})
    assert response.status_code == 422 and "members" in response.content.decode()
    assert not CsvUpload.objects.exists()


def test_a_file_sent_for_one_kind_is_not_imported_as_another(domain: Domain, client_for: ClientFor) -> None:
    browser = client_for(make_delegate(domain))
    dry = sent(browser, "groups", "email\na@example.org\n")
    assert dry.result is not None
    browser.post(reverse("domains:csv-import-run", args=["users", dry.result["upload"]]))
    assert not Task.objects.filter(type="ImportUsers").exists()


def test_subscribers_are_imported_into_the_list_one_came_from(domain: Domain, client_for: ClientFor) -> None:
    found = list_settings.create_list(SYSTEM, domain, email="news", owner=make_mailbox_in(domain, "owner"))
    other = list_settings.create_list(
        SYSTEM, make_domain("other.example"), email="news", owner=make_mailbox_in(Domain.objects.latest("pk"))
    )
    add_subscribers(SYSTEM, other, ["secret@elsewhere.example"])
    browser = client_for(found.owner.user)
    assert f"?list={found.pk}" in browser.get(reverse("domains:list-subscribers", args=[found.pk])).content.decode()
    dry = sent(browser, "subscribers", "email\na@elsewhere.example\n", f"?list={found.pk}")
    assert dry.result is not None
    run_url = reverse("domains:csv-import-run", args=["subscribers", dry.result["upload"]])
    browser.post(run_url, {"list_id": str(other.pk)})
    task = run_waiting(Task.objects.latest("pk").pk)
    assert task is not None and task.state == "failed"  # a foreign list, slipped in
    browser.post(run_url, {"list_id": str(found.pk)})
    run_waiting(Task.objects.latest("pk").pk)
    assert Subscriber.objects.filter(list=found).get().email == "a@elsewhere.example"
    export = reverse("domains:csv-export", args=["subscribers"])
    assert "a@elsewhere.example" in text_of(browser, f"{export}?list={found.pk}")
    assert browser.get(f"{export}?list={other.pk}").status_code == 404
    assert browser.get(export).status_code == 403


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_example_of_each_kind_can_be_read_and_names_only_columns_that_there_are(
    domain: Domain, client_for: ClientFor, kind: str
) -> None:
    browser = client_for(make_delegate(domain))
    example = text_of(browser, reverse("domains:csv-example", args=[kind]))
    assert "example.org" in example and "{d}" not in example
    assert set(WORDS[kind].example[0]) <= set(KINDS[kind].columns)
    said = {name.strip() for names, _text in WORDS[kind].columns for name in names.split(",")} - {""}
    assert said == set(KINDS[kind].columns)
    page = browser.get(reverse("domains:csv-import", args=[kind])).content.decode()
    assert reverse("domains:csv-example", args=[kind]) in page and reverse("domains:csv-export", args=[kind]) in page
    dry = sent(browser, kind, example)
    assert dry.state == "completed" and dry.result is not None
    missing = {"user", "catch_all", "list"} if kind != "forwarding" else {"email"}  # of users that aren't here
    assert {problem["column"] for problem in dry.result["problems"]} <= missing


def test_exports_are_of_ones_own_and_leave_an_event(domain: Domain, client_for: ClientFor) -> None:
    create_group(SYSTEM, domain, email="ours", members=["x@elsewhere.example"])
    other = make_domain("other.example")
    create_group(SYSTEM, other, email="theirs")
    browser = client_for(make_delegate(domain))
    url = reverse("domains:csv-export", args=["groups"])
    found = text_of(browser, url)
    assert "ours@example.org" in found and "theirs" not in found
    assert "ours@example.org" in text_of(browser, f"{url}?domain={domain.pk}")
    assert browser.get(f"{url}?domain={other.pk}").status_code == 404
    assert AuditEvent.objects.filter(action="group.export").count() == 2


def test_the_lists_lead_to_their_imports(domain: Domain, client_for: ClientFor) -> None:
    browser = client_for(make_delegate(domain))
    for page, kind in (("user-list", "users"), ("group-list", "groups"), ("domain-list", "catch-alls")):
        assert reverse("domains:csv-import", args=[kind]) in browser.get(reverse(f"domains:{page}")).content.decode()
    forwards = browser.get(reverse("domains:group-list") + "?kind=forward").content.decode()
    assert reverse("domains:csv-import", args=["forwards"]) in forwards
    hub = browser.get(reverse("domains:csv-kinds")).content.decode()
    assert all(reverse("domains:csv-import", args=[kind]) in hub for kind in KINDS)
