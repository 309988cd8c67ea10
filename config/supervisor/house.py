"""Which children the house has and how each is started. The servers' own ways are in config.servers.

Those in Python are forked from the nursery, or started as a program where it isn't there.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from config import environment, servers
from config.kit import paths, web_tls
from config.kit.process import die_with_parent
from config.servers import Server
from config.supervisor.child import UNSTAMPED, Process, Spec
from config.supervisor.nursery import Nursery

WEB_THREADS = 8
WORKER_PROCESSES = 2
# Who brings mail waits for us, who gets it doesn't: where processors are scarce, taking it in goes first. A process as
# nice as this still gets about a tenth of a processor on which others never rest.
DELIVERY_NICE = 10


def server_spec(server: Server) -> Spec:
    """A server of ours as a child; what it says goes to HOME/log."""
    output = servers.open_log(server.name)
    return Spec(server.name, lambda: server.spawn(output), server.stop_signal, server.is_ready)


def web(nursery: Nursery) -> Spec:
    """The pages: granian with one worker of some threads."""
    options = {
        "interface": "wsgi",
        "host": environment.bind(),
        "port": str(environment.port()),
        "http": "1",
        "workers": "1",
        "blocking-threads": str(WEB_THREADS),
        "blocking-threads-idle-timeout": "600",
        "workers-kill-timeout": "6",
        "log-level": "error",
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    program = ["-m", "granian", *flags, "--no-ws"]

    def arguments() -> list[str]:
        return [*program, *web_tls_flags(), "config.wsgi:application"]

    return _python(nursery, "web", arguments, is_ready=web_answers, stamp=web_tls.stamp)


def web_tls_flags() -> list[str]:
    """With which certificate the web server speaks TLS; nothing where it doesn't."""
    if not web_tls.is_on():
        return []
    files = {"ssl-certificate": web_tls.chain_file(), "ssl-keyfile": web_tls.key_file()}
    return [
        *(text for name, path in files.items() for text in (f"--{name}", str(path))),
        "--ssl-protocol-min",
        "tls1.2",
    ]


def dialect(nursery: Nursery, name: str) -> Spec:
    """One dialect at the root of a port of its own; CommuniGate's speaks no HTTP and has a command of its own."""
    command = ["manage.py", "pwd"] if name == "communigate" else ["manage.py", "dialect_port", name]
    return _python(nursery, f"dialect-{name}", command)


def worker(nursery: Nursery) -> Spec:
    """The background work. When the supervisor is killed its runs end at once, like their row will say."""
    flags = ["--concurrency", str(WORKER_PROCESSES), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    argv = ["-m", "celery", "-q", "-A", "config.celery", "worker", "--loglevel", "WARNING", *flags]
    return _python(nursery, "worker", argv, death_signal=signal.SIGQUIT)


def beat(nursery: Nursery) -> Spec:
    """The clock."""
    argv = ["-m", "celery", "-q", "-A", "config.celery", "beat", "--loglevel", "WARNING", "--pidfile=", "-S"]
    return _python(nursery, "beat", [*argv, "config.clock:Clock"])


def indexer(nursery: Nursery) -> Spec:
    """Keeps the stores' indexes up with their journals."""
    return _python(nursery, "indexer", ["manage.py", "indexer"])


def delivery(nursery: Nursery) -> Spec:
    """Sends what is in the gateway's queue."""
    return _python(nursery, "delivery", ["manage.py", "deliver", "--nice", str(DELIVERY_NICE)])


def gateway(nursery: Nursery) -> Spec:
    """Takes mail in; it has processes of its own."""
    return _python(nursery, "gateway", ["manage.py", "gateway"])


def keeper(nursery: Nursery) -> Spec:
    """Puts what the gateway keeps into stores, and takes it out again."""
    return _python(nursery, "keeper", ["manage.py", "keeper"])


def nursery_spec(nursery: Nursery) -> Spec:
    """The process that has everything loaded, from which the others are forked."""

    def spawn() -> Process:
        return nursery.start(_environment("nursery"), paths.BASE_DIR, _entering(signal.SIGKILL))

    return Spec("nursery", spawn, is_ready=nursery.is_ready)


def prepare(nursery: Nursery, result: int) -> Callable[[bytes], Process]:
    """The one-shot child before all Django ones: migrations, translations, static files, keys, first administrator.

    result: the descriptor its JSON goes to. The returned function starts it with what it reads from its stdin: less
    than a pipe holds.
    """

    def spawn(stdin: bytes) -> Process:
        reading, writing = os.pipe()
        try:
            with os.fdopen(writing, "wb") as given:
                given.write(stdin)
            return _start(nursery, "prepare", ["manage.py", "prepare"], signal.SIGTERM, stdin=reading, stdout=result)
        finally:
            os.close(reading)

    return spawn


def web_answers() -> bool:
    """Whether the web server says anything in HTTP; what it says is `/healthz`' business."""
    request = b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(_local_address(), timeout=5.0) as connection:
            speaking = _unchecked().wrap_socket(connection) if web_tls.is_on() else connection
            speaking.sendall(request)
            return speaking.recv(16).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def _unchecked() -> ssl.SSLContext:
    """For asking our own server on this machine: whose certificate it shows is not the question."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def port_is_free() -> bool:
    """Whether the web server could listen now."""
    family = socket.AF_INET6 if ":" in environment.bind() else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.bind(), environment.port()))
        except OSError:
            return False
    return True


def lock_servers() -> list[Server]:
    """Our servers in the order of their start, each once the one before it (of a killed supervisor) has ended.

    Raises: ServerRefused.
    """
    wanted = {"postgres": environment.has_own_database(), "valkey": environment.has_own_broker()}
    if not any(wanted.values()):
        return []
    identity = servers.identity_for(paths.home(), servers.pg_program("postgres"), servers.valkey_program())
    servers.prepare(paths.run_dir(), identity)
    makers = {"postgres": servers.postgres, "valkey": servers.valkey}
    return [makers[name](identity, servers.lock(name)) for name, is_ours in wanted.items() if is_ours]


def _python(
    nursery: Nursery,
    name: str,
    arguments: list[str] | Callable[[], list[str]],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    is_ready: Callable[[], bool] = lambda: True,
    stamp: Callable[[], object] = UNSTAMPED,
) -> Spec:
    def spawn() -> Process:
        argv = arguments() if callable(arguments) else arguments
        with Path(os.devnull).open("rb") as nothing:
            return _start(nursery, name, argv, death_signal, stdin=nothing.fileno(), stdout=sys.stderr.fileno())

    return Spec(name, spawn, is_ready=is_ready, stamp=stamp)


def _start(
    nursery: Nursery, part: str, argv: list[str], death_signal: signal.Signals, *, stdin: int, stdout: int
) -> Process:
    """Python with these arguments: forked, or where that can't be, as a program that loads everything itself."""
    stderr = sys.stderr.fileno()
    forked = nursery.fork(argv, part=part, death_signal=death_signal, stdin=stdin, stdout=stdout, stderr=stderr)
    return forked or subprocess.Popen(
        [sys.executable, *argv],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=paths.BASE_DIR,
        env=_environment(part),
        preexec_fn=_entering(death_signal),  # noqa: PLW1509  (one thread)
        process_group=0,
    )


def _entering(death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        die_with_parent(death_signal, parent=parent)

    return run


def _environment(part: str) -> dict[str, str]:
    fixed = {
        "POSTKEEP_HOME": str(paths.home()),
        "POSTKEEP_PART": part,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "CELERY_SKIP_CHECKS": "1",  # `make lint` runs the checks; here they would load every page into the worker
        "MALLOC_ARENA_MAX": "2",  # threads share heaps: keeps idle processes small
    }
    return {**os.environ, **fixed}


def _local_address() -> tuple[str, int]:
    return environment.local_host().strip("[]"), environment.port()


def has_program(app: str, command: str) -> bool:
    """Whether this clone has that management command."""
    return Path(paths.BASE_DIR, app, "management", "commands", f"{command}.py").exists()
