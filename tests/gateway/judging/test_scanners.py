"""rspamd and clamd as they are, and what happens to mail when they are down: never silently clean."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from domains.policy.facts import Direction
from gateway.flow import InMemory
from gateway.judging.inspecting import inspect, inspect_now
from gateway.judging.scanners import clamd, rspamd
from gateway.judging.scanners.connecting import NoVerdict
from gateway.judging.settings import ScannerSettings, SpamScanner, VirusScanner, WhenDown
from tests.gateway.judging.world import ADA, came_in
from tests.scanner_servers import PASSWORD, VIRUS, Clamd, Rspamd, running_clamd, running_rspamd

OFFER = ADA.replace(b"Subject: Dinner", b"Subject: OFFER")
PLAIN = ScannerSettings(authenticate=False, authserv_id="mx.example.org")


@pytest.fixture(scope="module")
def real_clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    with running_clamd(tmp_path_factory.mktemp("clamd")) as server:
        yield server


@pytest.fixture(scope="module")
def real_rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rspamd]:
    with running_rspamd(tmp_path_factory.mktemp("rspamd")) as server:
        yield server


@pytest.fixture(autouse=True)
def open_gate(settings: Any) -> None:
    settings.ALLOWED_RELAYS = (ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset(range(1024, 65536))


def test_clamd_finds_what_it_knows_over_tcp_and_by_a_socket(real_clamd: Clamd, settings: Any) -> None:
    settings.SCANNER_SOCKETS = (real_clamd.socket,)
    infected = InMemory(ADA + b"x" * 500_000 + VIRUS)
    for address in (real_clamd.address, real_clamd.socket):
        assert asyncio.run(clamd.scan(address, InMemory(ADA), timeout_s=10)) == ()
        assert asyncio.run(clamd.scan(address, infected, timeout_s=10)) == ("Postkeep.Test-1.UNOFFICIAL",)
    assert asyncio.run(clamd.version(real_clamd.address)).startswith("ClamAV")


def test_what_is_too_large_for_clamd_has_no_verdict(real_clamd: Clamd) -> None:
    with pytest.raises(NoVerdict):
        asyncio.run(clamd.scan(real_clamd.address, InMemory(b"x" * 3_000_000), timeout_s=10))


def test_rspamd_is_told_the_envelope_and_learns(real_rspamd: Rspamd) -> None:
    incoming = came_in(OFFER)
    server = rspamd.Server(real_rspamd.url)
    asking = rspamd.check(
        server, incoming.body, sender="a@b.example\r\nX: y", recipients=["bob@example.org"], client=incoming.client
    )
    found = asyncio.run(asking)
    assert (found.score, found.parts) == (6.0, (("TEST_OFFER", 4.5), ("TEST_IP", 1.5)))
    asyncio.run(rspamd.ping(server))
    controller = rspamd.Server(real_rspamd.controller_url, PASSWORD)
    assert asyncio.run(rspamd.learn(controller, incoming.body, is_spam=True)) is True
    assert asyncio.run(rspamd.learn(controller, incoming.body, is_spam=True)) is False
    assert asyncio.run(rspamd.learn(controller, InMemory(ADA), is_spam=False)) is True
    with pytest.raises(NoVerdict, match="401"):
        asyncio.run(rspamd.learn(replace(controller, password="wrong"), incoming.body, is_spam=True))


def test_both_verdicts_are_in_the_inspection(real_clamd: Clamd, real_rspamd: Rspamd) -> None:
    settings = replace(
        PLAIN,
        spam_scanner=SpamScanner.RSPAMD,
        rspamd_url=real_rspamd.url,
        virus_scanner=VirusScanner.CLAMD,
        clamd_address=real_clamd.address,
    )
    found = inspect_now(came_in(OFFER + VIRUS), Direction.INCOMING, settings)
    assert found.facts.virus_names == ("Postkeep.Test-1.UNOFFICIAL",)
    assert (found.facts.spam_score, found.scanner) == (6.0, "rspamd")
    assert (found.missing, found.silent) == ((), ())
    assert "X-Spam-Score: 6.0 (rspamd)" in found.headers


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"junk\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"stream: UNKNOWN\0",
        b"x" * 100_000,
    ],
)
def test_a_scanner_without_a_verdict_is_named_or_refuses_and_is_never_clean(answer: bytes | None) -> None:
    """answer None: nobody listens there."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer or b"")
        writer.close()

    async def serve() -> tuple[asyncio.Server, int]:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def go(settings: ScannerSettings, direction: Direction = Direction.INCOMING) -> Any:
        server, port = await serve()
        if answer is None:
            server.close()
        settings = replace(settings, rspamd_url=f"http://127.0.0.1:{port}", clamd_address=f"127.0.0.1:{port}")
        found = await inspect(came_in(), direction, settings)
        server.close()
        return found

    asked = replace(
        PLAIN, spam_scanner=SpamScanner.RSPAMD, virus_scanner=VirusScanner.CLAMD, spam_timeout_s=2, virus_timeout_s=2
    )
    found = asyncio.run(go(asked))
    assert (found.missing, found.silent) == (("rspamd",), ("clamd",))
    assert found.facts.spam_score is None
    assert "X-Postkeep-Unchecked: rspamd" in found.headers
    if answer is None:
        leaving = asyncio.run(go(asked, Direction.OUTGOING))
        assert leaving.headers == ("X-Postkeep-Unchecked: rspamd",)  # whoever gets it is told, whichever way it goes
    turned = replace(asked, spam_when_down=WhenDown.REFUSE, virus_when_down=WhenDown.DELIVER)
    found = asyncio.run(go(turned))
    assert (found.missing, found.silent) == (("clamd",), ("rspamd",))
    assert "unchecked-clamd" in found.facts.incomplete


def test_scanners_are_behind_the_gate_like_everything_people_aim(settings: Any, tmp_path: Path) -> None:
    settings.ALLOWED_PORTS = frozenset()
    with pytest.raises(NoVerdict, match="port 3310"):
        asyncio.run(clamd.scan("127.0.0.1:3310", InMemory(ADA), timeout_s=2))
    settings.SCANNER_SOCKETS = ()
    with pytest.raises(NoVerdict, match="not open"):
        asyncio.run(clamd.scan(str(tmp_path / "sock"), InMemory(ADA), timeout_s=2))
