"""kill -9 at random moments of a run: nothing twice, nothing lost, and the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from accounts.actors import Actor
from archive import engines
from archive.models import Profile, ProfileRun, SourceMessage, Store
from archive.profiles import completeness
from archive.profiles.sending import with_crlf
from archive.services.profiles import keeping
from archive.store.contract.checking import check_invariants
from tests.archive.django.factories import archive
from tests.archive.django.profiles.ground import all_of, imap_profile, make_mailbox, message, run_well, server_values
from tests.dovecot_server import Dovecot, needs_dovecot
from tests.forked import Forked, fork

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
MESSAGES = 1_500


def start(profile: Profile, environment: dict[str, str], dovecot: Dovecot) -> Forked:
    ports = ",".join(map(str, (dovecot.imap, dovecot.imaps)))
    gate = {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8", "POSTKEEP_ALLOWED_PORTS": ports}
    ends = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return fork({**environment, **gate}, "tests.archive.django.profiles.worker", profile.pk, **ends)


def kill_rounds(dovecot: Dovecot, address: str, environment: dict[str, str], rounds: int) -> None:
    seed = int(os.environ.get("POSTKEEP_SEED") or time.time())
    print(f"seed {seed}")
    chance = random.Random(seed)
    raws = [message(number, size=chance.randrange(3_000)) for number in range(MESSAGES)]
    for number, raw in enumerate(raws):
        dovecot.deliver(address, raw, folder="INBOX" if number % 3 else "Sent")
    profile = imap_profile(dovecot, address)
    for round_ in range(rounds):
        process = start(profile, environment, dovecot)
        time.sleep(chance.uniform(0.05, 1.5))
        ended = process.poll() is not None
        if not ended:
            process.send_signal(signal.SIGKILL)
        said = process.communicate()[0]
        assert not ended or process.returncode == 0, said
        _nothing_acknowledged_is_missing(profile)
        if ended:  # all of it is in: from here on, more comes
            more = [message(10_000 + round_ * 500 + number) for number in range(200)]
            for raw in more:
                dovecot.deliver(address, raw)
            raws += more
    run_well(profile)
    assert all_of(address) == sorted(raws)
    counted = completeness.check(profile)
    assert counted["missing"] == 0
    assert counted["source"] == counted["archived"] == counted["indexed"] == len(raws)
    assert not ProfileRun.objects.filter(profile=profile, outcome="running").exists()
    check_invariants(engines.open_store(Store.objects.get()))


def _nothing_acknowledged_is_missing(profile: Profile) -> None:
    """Each row of the database names a message that the engine has."""
    engines.close_all()
    if not Store.objects.exists():
        return
    opened = engines.open_store(Store.objects.get())
    rows = SourceMessage.objects.filter(folder__profile=profile).exclude(sha256=None)
    digests = {bytes(row.sha256 or b"") for row in rows}
    assert set(opened.catalogue.find_sha256(sorted(digests))) == digests


def test_a_run_killed_ten_times_loses_nothing_and_doubles_nothing(
    dovecot: Dovecot, address: str, process_environment: dict[str, str]
) -> None:
    kill_rounds(dovecot, address, process_environment, 10)


@pytest.mark.torture
def test_a_run_killed_fifty_times(dovecot: Dovecot, address: str, process_environment: dict[str, str]) -> None:
    if not os.environ.get("POSTKEEP_TORTURE"):
        pytest.skip("make torture")
    kill_rounds(dovecot, address, process_environment, 50)


def test_a_run_that_deletes_at_the_source_and_is_killed_has_all_of_it_somewhere(
    dovecot: Dovecot, address: str, process_environment: dict[str, str]
) -> None:
    seed = int(os.environ.get("POSTKEEP_SEED") or time.time())
    print(f"seed {seed}")
    chance = random.Random(seed)
    raws = [message(number) for number in range(600)]
    for raw in raws:
        dovecot.deliver(address, raw, received_at=1_100_000_000)
    profile = imap_profile(dovecot, address, delete_after_days=1)
    for _ in range(3):
        process = start(profile, process_environment, dovecot)
        time.sleep(chance.uniform(0.1, 1.5))
        process.kill()
        process.communicate()
        engines.close_all()
        assert set(raws) <= set(all_of(address)) | set(dovecot.files(address))
    run_well(profile)
    assert all_of(address) == sorted(raws)
    assert dovecot.files(address) == []


def test_an_export_that_is_killed_puts_nothing_twice(
    dovecot: Dovecot, address: str, process_environment: dict[str, str]
) -> None:
    mailbox = make_mailbox(address)
    archive(mailbox, [message(number) for number in range(500)])
    target = f"new-{address}"
    values = server_values(dovecot, user_name=target, users=[address], reason="a move")
    profile = keeping.create_profile(Actor.system(), name="Out", kind="exportImap", values=values)
    for wait in (0.2, 0.4, 0.8):
        process = start(profile, process_environment, dovecot)
        time.sleep(wait)
        process.kill()
        process.communicate()
    run_well(profile)
    kept = [with_crlf(raw) for raw in dovecot.files(target)]  # Dovecot keeps lone line feeds on its disk
    assert sorted(kept) == all_of(address)
