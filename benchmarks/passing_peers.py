"""Other servers that take mail, for the gateway to be measured beside: each a context that gives its port.

None where a part is missing (Postfix starts for root only). Not for smtp-sink (`passing.sink`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from benchmarks.house import ROOT, clean_environment, free_port
from tests.gateway.postfix import POSTFIX, running_postfix, wait_for_port


@contextmanager
def running_aiosmtpd() -> Iterator[int | None]:
    """aiosmtpd that forgets what it takes, two processes (`benchmarks.bare_aiosmtpd`)."""
    if find_spec("aiosmtpd") is None:
        yield None
        return
    port = free_port()
    argv = [sys.executable, "-m", "benchmarks.bare_aiosmtpd", str(port)]
    process = subprocess.Popen(argv, cwd=ROOT, env=clean_environment())
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def running_postfix_queue(sink_port: int) -> Iterator[int | None]:
    """Postfix that queues what it takes and sends it on to a sink, as Debian sets it up."""
    if POSTFIX is None or os.geteuid() != 0:
        yield None
        return
    port = free_port()
    with running_postfix(port=port, onward=sink_port):
        yield port
