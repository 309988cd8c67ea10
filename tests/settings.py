"""The settings of every pytest session: the product's own, over a HOME of this session.

The environment is set before config.settings reads it; the servers start in tests/conftest.py when a test needs them.
A process that a test starts inherits that HOME, and finds it again here. Each of pytest-xdist's workers is a session
with servers of its own, so that tests which stop, fill or kill them don't meet each other.
"""

import gc
import os
import sys

from config.servers import temporary_home

_session = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if os.environ.get("POSTKEEP_TEST_SESSION") != _session:
    # What a person says to the tests themselves, not to the product, stays.
    _kept = ("POSTKEEP_CORPORA", "POSTKEEP_TORTURE")
    for _name in [name for name in os.environ if name.startswith("POSTKEEP_") and name not in _kept]:
        del os.environ[_name]
    for _name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(_name, None)
    os.environ["POSTKEEP_HOME"] = str(temporary_home("pk-test-"))
    os.environ["POSTKEEP_TEST_SESSION"] = _session
    os.environ["POSTKEEP_SMTP_PORT"] = "none"  # tests that want one say where

gc.set_threshold(20_000, 20, 20)  # loading all tests, and migrating, makes much and throws little away

# Tests start the product dozens of times: each start would compile all of it again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]

DATABASES["default"]["ENGINE"] = "tests.database"

COUNTING_MS = 10_000  # whether a list says its number must not hang on how busy the machine is
