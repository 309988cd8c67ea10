"""What a process loads that answers no calls."""

from __future__ import annotations

import os
import subprocess
import sys

from config.kit import paths

CODE = """
import sys
import django
django.setup()
before = [name for name in sys.modules if name.startswith(("api.v1", "api.dialects.served", "ninja"))]
from api.dialects.registry import find, known
print(before, [dialect.name for dialect in known()], find("james").label, find("klingon"))
"""


def test_the_api_is_loaded_by_who_asks_for_it_and_not_by_every_process() -> None:
    """It is 50 MiB and 1.5 s of a processor: too much for a command that files mail."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=paths.BASE_DIR, env=dict(os.environ), capture_output=True, check=True
    )
    said = done.stdout.decode().strip()
    assert said == "[] ['communigate', 'james', 'mailstore', 'cleanmail', 'iredadmin'] Apache James WebAdmin None"
