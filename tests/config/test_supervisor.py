"""`manage.py up` with real processes: start, stop, start again, crash, and a second one beside it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import environment
from config.kit import paths
from config.supervisor.child import Child, Spec
from config.supervisor.house import DELIVERY_NICE
from tests.config.houses import House, wait_until

PYTHON_CHILDREN = ("web", "worker", "beat", "indexer", "delivery", "keeper", "gateway")


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    return {}


@pytest.fixture(scope="module")
def house(told: dict[str, object]) -> Iterator[House]:
    """A house after its very first start."""
    house = House()
    try:
        told |= house.start()
        house.wait_healthy()
        yield house
    finally:
        house.clear()


def test_the_first_start_shows_a_link_for_the_administrator_and_the_recovery_key(
    house: House, told: dict[str, object]
) -> None:
    assert told["url"] == f"http://127.0.0.1:{house.port}"
    assert str(told["invitation"]).startswith(f"http://127.0.0.1:{house.port}/")
    assert len(str(told["recovery_key"])) == 7 * 8 + 6


def test_keys_are_readable_by_nobody_else(house: House) -> None:
    keys = list((house.home / "keys").iterdir())
    assert {key.name for key in keys} >= {"secret_key", "master", "recovery.pub"}
    assert all(key.stat().st_mode & 0o077 == 0 for key in [house.home / "keys", *keys])


def test_servers_do_not_run_as_root(house: House) -> None:
    postgres = psutil.Process(house.child("postgres")["pid"])
    if os.geteuid() == 0:
        assert postgres.uids().real != 0
    assert not postgres.net_connections(kind="inet")


def test_delivery_leaves_scarce_processors_to_who_takes_mail_in(house: House) -> None:
    nice = {name: psutil.Process(house.child(name)["pid"]).nice() for name in ("gateway", "delivery")}
    own = os.nice(0)
    assert nice == {"gateway": own, "delivery": min(own + DELIVERY_NICE, 19)}


def test_a_start_beside_a_running_one_says_so_and_stops(house: House) -> None:
    second = house.spawn()
    assert second.wait(timeout=20) == 3
    assert "already running" in house.said()
    assert house.healthz()[0] == 200
    assert second.stdout is not None
    assert second.stdout.read() == b""


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_crashed_child_is_seen_and_started_again(house: House, name: str) -> None:
    before = house.child(name)
    os.kill(before["pid"], signal.SIGSTOP)  # it hangs: nothing ended, only the heartbeat tells
    wait_until(lambda: house.healthz() == (503, '{"status": "unavailable"}'), patience_s=15)
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: house.child(name)["pid"] not in (None, before["pid"]), patience_s=10)
    house.wait_healthy()
    assert house.child(name)["restarts"] == before["restarts"] + 1
    assert f"{name} killed by SIGKILL; starting it again" in house.said()


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_crashed_server_is_started_again_and_everybody_finds_it(house: House, name: str) -> None:
    before = house.child(name)["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: house.child(name)["pid"] not in (None, before), patience_s=10)
    house.wait_healthy()


def test_a_house_that_cannot_write_how_it_is_goes_on_and_tells_it_later(house: House) -> None:
    assert house.process is not None
    before, in_the_way = house.child("keeper"), house.home / "up.new"
    in_the_way.mkdir()  # as much room as a full disk has
    keeper = psutil.Process(before["pid"])
    keeper.kill()
    psutil.wait_procs([keeper], timeout=10)
    wait_until(lambda: "keeper started again" in house.said(), patience_s=10)
    assert house.process.poll() is None and house.child("keeper") == before
    in_the_way.rmdir()
    wait_until(lambda: house.child("keeper")["restarts"] == before["restarts"] + 1, patience_s=10)
    house.wait_healthy()


def test_a_child_that_cannot_be_started_now_is_started_later() -> None:
    started = subprocess.Popen(["true"])
    answers: list[OSError | subprocess.Popen[bytes]] = [OSError(errno.ENOMEM, "no memory"), started]

    def spawn() -> subprocess.Popen[bytes]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    child = Child(Spec("part", spawn))
    assert "no memory" in child.restart() and child.process is None and child.due_at is not None
    assert child.restart() == "" and child.process is started and child.due_at is None
    assert len(child.restarted_at) == 1
    started.wait()


def test_a_crashed_web_server_is_started_again(house: House) -> None:
    main = psutil.Process(house.child("web")["pid"])
    workers = main.children()
    main.kill()
    wait_until(lambda: house.child("web")["pid"] not in (None, main.pid), patience_s=10)
    house.wait_healthy()
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


def test_children_are_forked_and_named_and_the_supervisor_is_their_parent(house: House) -> None:
    assert house.process is not None
    children = {name: psutil.Process(house.child(name)["pid"]) for name in PYTHON_CHILDREN}
    assert {child.ppid() for child in children.values()} == {house.process.pid}
    named = {name: " ".join(child.cmdline()) for name, child in children.items()}
    for name, word in {"web": "granian", "worker": "worker", "beat": "beat", "delivery": "manage.py deliver"}.items():
        assert word in named[name]
    assert all(_shares_memory(child) for child in children.values())


def test_without_the_nursery_all_goes_on_and_a_crashed_child_is_started_as_a_program(house: House) -> None:
    before, nursery = {name: house.child(name)["pid"] for name in PYTHON_CHILDREN}, house.child("nursery")["pid"]
    os.kill(nursery, signal.SIGKILL)
    os.kill(before["indexer"], signal.SIGKILL)
    wait_until(lambda: house.child("indexer")["pid"] not in (None, before["indexer"]), patience_s=10)
    wait_until(lambda: house.child("nursery")["pid"] not in (None, nursery), patience_s=10)
    house.wait_healthy()
    changed = {name for name, pid in before.items() if house.child(name)["pid"] != pid}
    assert changed == {"indexer"}
    assert not _shares_memory(psutil.Process(house.child("indexer")["pid"]))


def test_everything_is_found_again_after_kill_9_and_ends_in_good_order() -> None:
    house = House()
    try:
        first = house.start(POSTKEEP_ADMIN_EMAIL="root@example.org", POSTKEEP_ADMIN_PASSWORD="correct horse 9")
        assert first["administrator"] == "root@example.org"
        assert first["invitation"] is None
        assert not _environments_with(house, "correct horse 9")
        house.wait_healthy()

        assert house.process is not None
        house.process.kill()
        house.process.wait()

        second = house.start()
        assert (second["administrator"], second["invitation"], second["recovery_key"]) == (None, None, None)
        house.wait_healthy()

        family = house.all_processes()
        assert house.stop(signal.SIGINT) < 20
        assert house.process.returncode == 0
        assert not [process for process in family if process.is_running()]
        assert not (house.home / "up.json").exists()
    finally:
        house.clear()


@pytest.mark.usefixtures("servers_running")
def test_servers_of_somebody_else_are_used_and_not_started() -> None:
    house = House()
    try:
        database_url = f"postgresql://postkeep@/postkeep?host={paths.run_dir()}"
        house.start(DATABASE_URL=database_url, REDIS_URL=environment.redis_url())
        house.wait_healthy()
        assert {process.name() for process in house.all_processes()}.isdisjoint({"postgres", "valkey-server"})
        assert not (house.home / "pg").exists()
    finally:
        house.clear()


def _shares_memory(process: psutil.Process) -> bool:
    """Forked from what is loaded: a program of its own has nearly all for itself."""
    found = process.memory_full_info()
    return bool(found.uss < found.rss / 2)


def _environments_with(house: House, secret: str) -> list[psutil.Process]:
    """The children (not the supervisor, whose first environment the kernel shows for ever) that were given it."""
    children = [process for process in house.all_processes() if process.pid != house.process.pid]  # type: ignore[union-attr]
    return [child for child in children if secret.encode() in Path(f"/proc/{child.pid}/environ").read_bytes()]
