"""kill -9 at random moments of processing retention: nothing goes that must stay, and the next run goes on.

The process under test runs the command ProcessRetentionPolicies as the shell does; the seed is printed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time

import pytest

from accounts.models import User
from archive import engines
from archive.models import DeletionCertificate, Store
from archive.store.contract.checking import check_invariants
from tests.archive.django.keeping.ground import follow_all, hold, left, mail_of, number_of, policy, set_policies
from tests.forked import Forked, fork

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
    set_policies(policy("Three years", 3, deletes=True))
    follow_all()
    engines.close_all()
    for _kill in range(KILLS):
        process = start(process_environment)
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0.01, 0.4))
        process.kill()
        process.wait()
        there = set(left())
        engines.close_all()
        assert there >= {number_of(each) for each in (*held, *young)}, seed
    process = start(process_environment)
    said, _ = process.communicate(timeout=120)
    assert said.splitlines()[-1].split()[0] == "completed", said
    assert left() == sorted(number_of(each) for each in (*held, *young)), seed
    certified = [line["number"] for each in DeletionCertificate.objects.all() for line in _lines(each)]
    assert sorted(certified) == sorted(number_of(each) for each in due), seed
    check_invariants(engines.open_store(Store.objects.get()))


def start(environment: dict[str, str]) -> Forked:
    return fork(environment, "tests.archive.django.keeping.child", stdout=subprocess.PIPE)


def _lines(certificate: DeletionCertificate) -> list[dict[str, int]]:
    return [json.loads(line) for line in certificate.path.read_text().splitlines()[1:]]
