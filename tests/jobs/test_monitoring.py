"""Figures that programs watch: read one by one, walked through, set where they are one's own, and as OpenMetrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from config.kit import monitoring as kit
from config.kit.monitoring import Element, UnknownElement
from jobs import monitoring
from jobs.commands import get_command
from jobs.errors import BadArguments
from jobs.models import CustomElement, Task
from jobs.services import run_here
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def oven(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two elements of this test's own, beside all the others."""
    monkeypatch.setattr(kit, "_elements", dict(kit._elements))
    kit.register(Element("oven.loaves", "Loaves baked", lambda: 12, kind="counter"))
    kit.register(Element("oven.heat", 'Heat of a "shelf"\nnow', lambda: {'up"per': 200, "lower": 180.5}, label="shelf"))
    yield


def invoke(actor: Actor, name: str, **given: object) -> Task:
    return run_here(actor, name, get_command(name).arguments_from_json(given))


def test_every_element_can_be_walked_to_and_read(administrator: User, oven: None) -> None:
    actor = Actor.for_user(administrator)
    factories.make_task(state="waiting")
    seen, at = list[str](), ""
    while True:
        try:
            at = monitoring.get_next_name(actor, at)
        except UnknownElement:
            break
        seen.append(at)
        assert monitoring.get_element(actor, at).id == at
    assert seen == sorted(seen) == [each.id for each in monitoring.list_elements(actor)]
    assert {"oven.loaves", "oven.heat[lower]", "tasks.tasks[waiting]", "disk.free_bytes[/]"} <= set(seen)
    assert monitoring.get_element(actor, "tasks.tasks[waiting]").value == 1
    with pytest.raises(UnknownElement):
        monitoring.get_next_name(actor, "no.such")


def test_one_s_own_element_is_set_added_to_and_forgotten(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    monitoring.set_element(actor, "custom.Queue_Length", 3)
    monitoring.set_element(actor, "queue_length", 2.5, add=True)
    assert monitoring.get_element(actor, "custom.queue_length").value == 5.5
    assert monitoring.get_element(actor, "custom.value[queue_length]").value == 5.5
    monitoring.delete_element(actor, "custom.value[queue_length]")
    assert not CustomElement.objects.exists()
    for name in ("tasks.waiting", "Größe", "", "x" * 61, "a b", "custom.value[a]b"):
        with pytest.raises(BadArguments):
            monitoring.set_element(actor, name, 1)
    with pytest.raises(BadArguments):
        monitoring.set_element(actor, "x", float("nan"))


def test_others_neither_read_nor_set(user: User) -> None:
    actor = Actor.for_user(user)
    for action in (
        lambda: monitoring.list_elements(actor),
        lambda: monitoring.get_element(actor, "people.accounts"),
        lambda: monitoring.get_next_name(actor, ""),
        lambda: monitoring.set_element(actor, "x", 1),
        lambda: monitoring.delete_element(actor, "x"),
    ):
        with pytest.raises(Forbidden):
            action()


SAMPLE = re.compile(r'(?P<name>[a-z_]+)(\{(?P<label>[a-z]+)="(?P<value>([^"\\]|\\.)*)"\})? (?P<number>-?[0-9.e+]+)')


def test_the_text_is_openmetrics(oven: None) -> None:
    lines = "".join(kit.exposition()).split("\n")
    assert lines[-2:] == ["# EOF", ""]
    families: dict[str, str] = {}
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split(" ")
            assert name not in families
            families[name] = kind
        elif not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            family = match["name"].removesuffix("_total")
            assert (match["name"] != family) == (families[family] == "counter"), line
    assert "postkeep_oven_loaves_total 12" in lines
    assert 'postkeep_oven_heat{shelf="up\\"per"} 200' in lines
    assert '# HELP postkeep_oven_heat Heat of a "shelf"\\nnow' in lines
    assert "# UNIT postkeep_disk_free_bytes bytes" in lines


def test_an_element_that_fails_takes_away_only_itself(oven: None) -> None:
    kit.register(Element("oven.door", "Fails", lambda: 1 // 0))
    text = "".join(kit.exposition())
    assert "oven_door" not in text and "oven_loaves" in text


@pytest.mark.parametrize("name", ["oven", "Oven.x", "oven..x", "oven.größe"])
def test_names_are_plain(name: str, oven: None) -> None:
    with pytest.raises(ValueError, match="no name"):
        kit.register(Element(name, "x", lambda: 1))


def test_the_commands_do_the_same(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    for value, operation in (("3", "SET"), ("2", "INC"), ("5", "SET")):
        done = invoke(actor, "SetStateElement", objectId="custom.queue_length", value=value, operation=operation)
        assert done.result == {"id": "custom.queue_length", "value": 5 if value != "3" else 3}
    read = invoke(actor, "GetStateElement", objectId="custom.queue_length").result
    assert read is not None and read["value"] == 5
    first = invoke(actor, "GetNextStateName").result
    assert first is not None and first["id"]
    assert invoke(actor, "GetNextStateName", objectId="zzz").state == Task.State.FAILED
    assert invoke(actor, "SetStateElement", objectId="people.accounts", value="1").state == Task.State.FAILED
    assert invoke(actor, "SetStateElement", objectId="x", value="many").state == Task.State.FAILED


def test_the_page_shows_all_of_them_and_sets_one_s_own(
    administrator: User, client_for: Callable[[User | None], Client]
) -> None:
    client, url = client_for(administrator), reverse("jobs:monitoring")
    assert client.post(url, {"name": "Not so", "value": "1"}).status_code == 422
    assert client.post(url, {"name": "queue_length", "value": "7"}).status_code == 303
    page = client.get(url).content.decode()
    assert "custom.value[queue_length]" in page and "people.accounts" in page and "/api/v1/server/metrics" in page
    assert client.post(reverse("jobs:element-delete", args=["queue_length"])).status_code == 303
    assert not CustomElement.objects.exists()


def test_the_health_of_the_server_is_a_command_that_fails_when_a_part_does(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    done = invoke(actor, "CheckHealth", component="database")
    assert done.state == Task.State.COMPLETED and done.result is not None and done.result["well"]
    broken = invoke(actor, "CheckHealth", component="Clock")  # no clock runs beside the tests
    assert broken.state == Task.State.FAILED and "Clock" in broken.error
    assert broken.result is not None and broken.result["components"][0]["state"] == "error"
    unknown = invoke(actor, "CheckHealth", component="Engine room")
    assert unknown.state == Task.State.FAILED and "Database" in unknown.error


def test_one_component_has_a_page(administrator: User, client_for: Callable[[User | None], Client]) -> None:
    client = client_for(administrator)
    page = client.get(reverse("config:health-component", args=["Database"])).content.decode()
    assert "PostgreSQL" in page
    assert client.get(reverse("config:health-component", args=["Engine room"])).status_code == 404
