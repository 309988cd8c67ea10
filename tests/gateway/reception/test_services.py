"""IP lists, the router table and certificates by the API, and what the pages say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from domains.errors import Invalid
from gateway.models import Certificate, IpEntry
from gateway.services import certificates, ip_lists
from jobs.models import Alert
from tests.api import world
from tests.api.callers import is_problem
from tests.certificates import make_certificate
from tests.gateway.reception.pems import PEM_CHAIN, PEM_KEY, key_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_lists_are_read_and_replaced_by_programs(cast: world.World) -> None:
    caller = cast.administrator
    assert caller.put("/gateway/ip-lists/denied", {"addresses": ["192.0.2.7", "2001:db8::/32"]}).json() == {"count": 2}
    assert caller.put("/gateway/ip-lists/denied", {"addresses": ["192.0.2.7", "198.51.100.0/24"]}).status_code == 200
    is_problem(caller.put("/gateway/ip-lists/denied", {"addresses": ["everybody"]}), 422)
    assert caller.post("/gateway/ip-blocks", {"address": "192.0.2.7", "seconds": 60}).status_code == 204
    found = caller.get("/gateway/ips?list=denied").json()
    assert [line["network"] for line in found] == ["192.0.2.7", "198.51.100.0/24"]
    state = caller.get("/gateway/ip-state?address=192.0.2.7").json()
    assert (state["state"], [line["list"] for line in state["lines"]]) == ("denied", ["denied", "blocked"])
    assert caller.delete(f"/gateway/ips/{found[0]['id']}").status_code == 204
    assert caller.get("/gateway/ip-state?address=192.0.2.7").json()["state"] == "blocked"
    assert caller.post("/gateway/ip-blocks", {"address": "192.0.2.7", "seconds": 0}).status_code == 204
    assert caller.get("/gateway/ip-state?address=192.0.2.7").json()["state"] == ""


def test_lines_whose_time_is_over_count_no_more_and_go() -> None:
    entry = ip_lists.add_ip(
        Actor.system(), list="blocked", network="192.0.2.1", expires_at=timezone.now() + timedelta(hours=1)
    )
    IpEntry.objects.filter(pk=entry.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ip_lists.state_of(Actor.system(), "192.0.2.1") == []
    assert ip_lists.sweep() == 1


def test_the_router_table_is_kept_in_its_order(cast: world.World) -> None:
    caller = cast.administrator
    wanted = {"pattern": "*@old.example", "kind": "rewrite", "target": "*@new.example"}
    first = caller.post("/gateway/routes", wanted)
    assert first.status_code == 201
    second = caller.post("/gateway/routes", {"pattern": "*@new.example", "kind": "relay", "target": "mx.example:2525"})
    assert caller.patch(second["Location"], {"position": 1, "comment": "first"}).status_code == 204
    assert [row["pattern"] for row in caller.get("/gateway/routes").json()] == ["*@new.example", "*@old.example"]
    found = caller.get("/gateway/destination?address=ada@old.example").json()
    assert (found["address"], found["via"], len(found["lines"])) == ("ada@new.example", "mx.example:2525", 2)
    assert found["refusal"].startswith("550 5.7.1")
    is_problem(caller.post("/gateway/routes", {**wanted, "target": "nowhere"}), 422)
    assert caller.delete(first["Location"]).status_code == 204
    assert caller.get("/gateway/destination?address=ada@old.example").json()["lines"] == []


def test_a_certificate_is_checked_kept_sealed_and_told_of_before_it_ends(cast: world.World) -> None:
    caller = cast.administrator
    other = make_certificate("other.example.org")
    wanted = {"name": "mx", "chain": PEM_CHAIN, "privateKey": PEM_KEY, "isDefault": True}
    for wrong in ({"privateKey": key_of(other)}, {"chain": "no"}, {"privateKey": "no"}, {"chainPath": "/etc/passwd"}):
        changed = {**wanted, **wrong} if "chainPath" not in wrong else {"name": "x", **wrong}
        is_problem(caller.post("/gateway/certificates", changed), 422)
    made = caller.post("/gateway/certificates", wanted)
    assert made.status_code == 201, made.content
    assert made.json()["hosts"] == ["mx.example.org", "mail.example.org"]
    assert PEM_KEY.splitlines()[1] not in made.content.decode()
    row = Certificate.objects.get()
    assert set(certificates.pairs_in_use()[0]) == {"mx.example.org", "mail.example.org"}
    assert not Alert.objects.exists()
    soon = make_certificate("mx.example.org", days=20)
    assert caller.patch(made["Location"], {"chain": soon.pem, "privateKey": key_of(soon)}).status_code == 204
    assert Alert.objects.get(acknowledged_at=None).kind == certificates.EXPIRES
    row.refresh_from_db()
    certificates.save_certificate(Actor.system(), row, {"chain": PEM_CHAIN, "private_key": PEM_KEY})
    assert not Alert.objects.filter(acknowledged_at=None).exists()


def test_certificates_are_read_from_files_below_their_folders_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots, outside = tmp_path / "roots", tmp_path / "outside.pem"
    roots.mkdir()
    monkeypatch.setenv("POSTKEEP_CERTIFICATE_ROOTS", str(roots))
    outside.write_text(PEM_KEY + PEM_CHAIN)
    (roots / "link.pem").symlink_to(outside)
    for path in (outside, roots / "link.pem", roots / "missing.pem", roots, Path("/dev/zero")):
        with pytest.raises(Invalid):
            certificates.save_certificate(Actor.system(), None, {"name": "mx", "chain_path": str(path)})
    inside = roots / "mx.pem"
    inside.write_text(PEM_KEY + PEM_CHAIN)
    row = certificates.save_certificate(Actor.system(), None, {"name": "mx", "chain_path": str(inside)})
    renewed = make_certificate("new.example.org", days=200)
    inside.write_text(key_of(renewed) + renewed.pem)
    certificates.look_after_all()
    row.refresh_from_db()
    assert row.hosts == ["new.example.org"]
    inside.unlink()
    certificates.look_after_all()
    assert Alert.objects.get(acknowledged_at=None).kind == certificates.UNREADABLE


def test_the_pages_say_what_counts(administrator: User, client: Client) -> None:
    ip_lists.add_ip(Actor.system(), list="denied", network="192.0.2.0/24", comment="scanners")
    client.force_login(administrator)
    said = {
        "/gateway/ips/": "scanners",
        "/gateway/ips/check/?address=192.0.2.4": "192.0.2.0/24",
        "/gateway/ips/check/?address=203.0.113.4": "It is on no list",
        "/gateway/routes/check/?address=nobody@elsewhere.example": "550 5.7.1",
        "/gateway/certificates/": "signed itself",
        "/gateway/certificates/new/": "certificates",
    }
    for path, words in said.items():
        assert words in client.get(path).content.decode(), path
    assert client.get("/gateway/ips/check/?address=nonsense").status_code == 422
    wrong = client.post("/gateway/ips/new/", {"network": "x", "list": "denied"})
    assert (wrong.status_code, "is no address" in wrong.content.decode()) == (422, True)
