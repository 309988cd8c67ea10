"""A whole house whose only disk becomes really full, again and again, while mail comes in and its parts are killed.

Everything of the house lies there: database and its log, the broker's file, stores, catalogues, its own logs. It must
live through that without anybody's help, and every 250 is accounted for as in test_gateway. Only in the long run, and
only where a disk can be mounted (root).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.config.houses import House, wait_until
from tests.forked import fork
from tests.torture.books import Books, account
from tests.torture.mail_load import TAKING, Senders, Sink, arrived_at

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(not os.environ.get("POSTKEEP_TORTURE"), reason="takes minutes: make torture"),
]

EVENTS = 40
DISK_BYTES = 1 << 30
PATIENCE_S = 240.0  # parts that failed often wait for half a minute before they are started again
PARTS = ("gateway", "delivery", "keeper", "nursery", "worker", "valkey", "postgres")


class SmallHouse(House):
    """A house on a disk of its own."""

    def __init__(self, image: Path, sink_port: int) -> None:
        super().__init__()
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        for command in (
            ["mkfs.ext4", "-q", "-m", "0", str(image)],  # nothing is left over for root
            ["mount", "-o", "loop", str(image), str(self.home)],
        ):
            if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
                super().clear()
                pytest.skip("only root can mount a disk of a file; a full disk is said by a trigger in test_gateway")
        self.home.chmod(0o711)
        more = {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8", "POSTKEEP_ALLOWED_PORTS": str(sink_port)}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("POSTKEEP_", "DJANGO_"))
        } | {"POSTKEEP_HOME": str(self.home), "DJANGO_SETTINGS_MODULE": "config.settings"}
        self.start(**more)

    def ask(self, what: str, *arguments: object) -> str:
        """What `books` says to this, of this house."""
        process = fork(self.environment, "tests.torture.books", what, *arguments, stdout=subprocess.PIPE)
        said, _errors = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def clear(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        subprocess.run(["umount", "-l", str(self.home)], check=True)
        super().clear()


@pytest.fixture
def sinks() -> Iterator[list[Sink]]:
    """The relay's lives; the last one is the living one."""
    lives = [Sink(TAKING, "127.0.0.1", 0)]
    yield lives
    lives[-1].die()


@pytest.fixture
def house(tmp_path: Path, sinks: list[Sink]) -> Iterator[SmallHouse]:
    made = SmallHouse(tmp_path / "disk", sinks[0].port)
    yield made
    made.clear()


class World:
    """What is broken in a house; it mends itself."""

    def __init__(self, house: SmallHouse, sinks: list[Sink], chance: random.Random) -> None:
        self.house, self.sinks, self.chance = house, sinks, chance

    def wait_for_more(self, senders: Senders) -> None:
        """Until somebody has heard another 250; the house must live meanwhile."""
        before, process = len(senders.accepted), self.house.process
        assert process is not None
        wait_until(lambda: len(senders.accepted) > before or process.poll() is not None, patience_s=PATIENCE_S)
        assert process.poll() is None, "the house ended"

    def fill_disk(self) -> str:
        """To the last byte, for a while."""
        filler = self.house.home / "filler"
        size = 1 << 26
        with filler.open("wb", buffering=0) as file:
            end = 0
            while size >= 1024:
                try:
                    os.posix_fallocate(file.fileno(), end, size)
                    end += size
                except OSError:
                    size //= 2
        time.sleep(self.chance.uniform(0.5, 6.0))
        filler.unlink()
        return "disk full"

    def kill_part(self) -> str:
        name = self.chance.choice(PARTS)
        with suppress(ProcessLookupError, TypeError, OSError, ValueError):  # it ended just now, or nobody could say
            os.kill(self.house.child(name)["pid"], signal.SIGKILL)
        return f"{name} killed"

    def kill_relay(self) -> str:
        port = self.sinks[-1].port
        self.sinks[-1].die()
        time.sleep(self.chance.random() * 0.3)
        self.sinks.append(Sink(TAKING, "127.0.0.1", port))
        return "relay died"

    def is_settled(self) -> bool:
        try:
            return bool(json.loads(self.house.ask("waiting")) == {})
        except AssertionError:  # the database doesn't answer yet
            return False


def test_a_house_lives_through_a_full_disk_and_every_250_is_accounted_for(house: SmallHouse, sinks: list[Sink]) -> None:
    seed = int(os.environ.get("POSTKEEP_TORTURE_SEED") or random.randrange(1 << 30))
    print(f"seed {seed}, {EVENTS} events")
    house.ask("serve", sinks[0].port)
    world = World(house, sinks, random.Random(seed))
    senders = Senders(house.smtp_port)
    happened = Counter[str]()
    try:
        for number in range(EVENTS):
            world.wait_for_more(senders)
            time.sleep(world.chance.uniform(0.0, 2.0))
            event = world.chance.choice([world.fill_disk, world.kill_part, world.kill_relay])
            happened[(world.fill_disk if number % 4 == 0 else event)()] += 1
        senders.stop(PATIENCE_S)
        wait_until(world.is_settled, patience_s=PATIENCE_S)
    finally:
        senders.end()
        print(happened, senders.heard.most_common(5), house.said()[-4000:])
    arrived, found = arrived_at(sinks), Books(**json.loads(house.ask("read")))
    print({"accepted": len(senders.accepted), "unheard": senders.unheard, "arrived": arrived.total()})
    account(senders.accepted, senders.unheard, arrived, found)
