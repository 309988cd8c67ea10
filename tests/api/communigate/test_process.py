"""The real process of `manage.py pwd`: it serves over the network, over threads of its own, and ends in good order."""

from __future__ import annotations

import signal
import time

import pytest

from accounts.models import AuditEvent
from config import environment
from tests import factories
from tests.api.communigate.serving import Client
from tests.api.dialects.calling import switch_on
from tests.config.houses import wait_until
from tests.domains.factories import make_domain
from tests.forked import fork, manage
from tests.ports import free_port


@pytest.mark.django_db(transaction=True)
def test_the_process_from_its_start_to_its_end(process_environment: dict[str, str]) -> None:
    switch_on("communigate")
    make_domain("main.example")
    factories.make_administrator("postmaster@main.example")
    port = free_port()
    settings = {**process_environment, environment.dialect_port_variable("communigate"): str(port)}
    assert manage(process_environment, "pwd").returncode != 0  # without a port there is nothing to serve
    made = manage(settings, "apop_secret", "postmaster@main.example")
    assert made.returncode == 0 and len(made.stdout.strip()) == 24
    process = fork(settings, "manage", "pwd")
    try:
        wait_until(lambda: _answers(port))
        clients = [Client(port) for _ in range(6)]
        for client in clients:
            client.send("USER postmaster@main.example", f"PASS {factories.PASSWORD}", "INLINE")
        for number, client in enumerate(clients):
            assert "<" in client.banner
            assert [client.line()[:3] for _ in range(3)] == ["300", "200", "200"]
            client.send(f'CREATEACCOUNT "many{number}"', "LISTDOMAINS")
        for client in clients:
            assert [client.line() for _ in range(2)] == ["200 OK", "201 (main.example)"]
        assert AuditEvent.objects.filter(action="mailbox.create", via="communigate").count() == 6
        process.send_signal(signal.SIGTERM)
        assert clients[0].line().startswith("501 the server is stopping") and clients[0].is_closed()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        Client(port).close()
    except OSError:
        time.sleep(0.05)
        return False
    return True
