"""The package is as pure as it says: nothing of Django, of the network or of our other apps comes with it."""

from __future__ import annotations

import subprocess
import sys

import domains.policy

SCRIPT = """
import sys
from domains.policy import book, decision, evaluate, exchange, facts, policy, reading
found = sorted({name.partition(".")[0] for name in sys.modules} & {"django", "celery", "accounts", "config", "archive"})
print(found)
"""


def test_importing_all_of_it_imports_no_django_and_none_of_the_other_apps() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_says_what_it_is_for() -> None:
    assert "Not for" in (domains.policy.__doc__ or "")
