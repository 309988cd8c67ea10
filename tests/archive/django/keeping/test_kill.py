"""kill -9 at random moments of processing retention: nothing goes that must stay, and the next run goes on.

The process under test is `manage.py invoke ProcessRetentionPolicies`; its seed is printed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from accounts.models import User
from archive import engines
from archive.models import DeletionCertificate, Store
from archive.store.contract.checking import check_invariants
from tests.archive.django.keeping.ground import follow_all, hold, left, mail_of, number_of, policy, set_policies
from tests.torture.processes import ROOT

KILLS = 50 if os.environ.get("POSTKEEP_TORTURE") else 10
MESSAGES = 40 * KILLS


@pytest.mark.torture
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_nothing_goes_that_must_stay_and_the_next_run_goes_on(
    process_environment: dict[str, str], user: User
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    due = mail_of(user, "2015-06-01", *(f"Mail {n}" for n in range(MESSAGES)))
    held = mail_of(user, "2015-06-01", "The budget", "The budget again")
    young = mail_of(user, "2024-06-01", "Young")
    hold(query="subject:budget")
    set_policies(policy("Three years", 3, delete=True))
    follow_all()
    engines.close_all()
    command = [sys.executable, "manage.py", "invoke", "ProcessRetentionPolicies", "--json"]
    took = _whole_time(process_environment)
    for _kill in range(KILLS):
        process = subprocess.Popen(
            command, cwd=ROOT, env={**process_environment, "POSTKEEP_RETENTION_BATCH": "5"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(rng.uniform(took * 0.5, took * 1.6))
        process.kill()
        process.wait()
        engines.close_all()
        gone = {number_of(each) for each in due} - set(left())
        assert set(left()) >= {number_of(each) for each in (*held, *young)}, seed
        assert {number_of(each) for each in due} - gone == set(left()) - {number_of(each) for each in (*held, *young)}
        engines.close_all()
    ended = subprocess.run(command, cwd=ROOT, env=process_environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["state"] == "completed"
    assert left() == sorted(number_of(each) for each in (*held, *young)), seed
    certified = [line["number"] for each in DeletionCertificate.objects.all() for line in _lines(each)]
    assert sorted(certified) == sorted(number_of(each) for each in due), seed
    check_invariants(engines.open_store(Store.objects.get()))


def _whole_time(environment: dict[str, str]) -> float:
    """How long the program takes to start, in seconds."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "manage.py", "invoke", "--list", "--json"], cwd=ROOT, env=environment, capture_output=True,
        check=True,
    )  # fmt: skip
    return time.monotonic() - began


def _lines(certificate: DeletionCertificate) -> list[dict[str, int]]:
    return [json.loads(line) for line in certificate.path.read_text().splitlines()[1:]]
