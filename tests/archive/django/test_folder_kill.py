"""kill -9 at random moments of moving and merging folders and of moving messages, over two stores.

Nothing is lost or doubled, nobody reads more at any moment, and what was begun is finished afterwards. Ten rounds in
CI, fifty with POSTKEEP_TORTURE; the seed is printed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines
from archive.models import FolderMove, Store
from archive.selectors import readable_archives
from archive.services import folders, message_moves
from archive.services.sharing import set_folder_privileges
from archive.services.stores import create_store
from archive.store import Ingest
from archive.store.contract import check_invariants
from domains.models import Mailbox
from tests.archive.django.factories import make_raw, make_store
from tests.archive.django.test_folders import actor_of
from tests.factories import make_mailbox, make_user

KILLS = 50 if os.environ.get("POSTKEEP_TORTURE") else 10
EACH = 24  # messages of a folder in each store
SYSTEM = Actor.system()
ROOT = Path(__file__).resolve().parents[3]
# What is done in turn: each begins where the one before it has ended.
STEPS = (
    ("move", "Private", "Old/Private"),
    ("move", "Old/Private", "Private"),
    ("merge", "Extra", "Work"),
    ("messages", "Work", "Extra"),
)


@pytest.fixture
def mailbox(process_environment: dict[str, str], user: User) -> Mailbox:
    """Work, Extra, Extra/deep and Private in two stores."""
    found = make_mailbox(user)
    make_store()
    create_store(SYSTEM, name="Second")
    for number, store in enumerate(Store.objects.order_by("pk")):
        opened = engines.open_store(store)
        opened.mailbox(found.pk, found.address)
        with Ingest(opened, found.pk) as ingest:
            for at, folder in enumerate(("Work", "Extra", "Extra/deep", "Private")):
                for each in range(EACH):
                    ingest.put(folder, content=make_raw(f"Mail {number} {at} {each}", number=each))
    return found


@pytest.fixture
def process(process_environment: dict[str, str], mailbox: Mailbox) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.archive.django.folder_child", mailbox.address]
    with subprocess.Popen(
        command, cwd=ROOT, env=process_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "ready\n"
        yield running
        assert running.stdin is not None
        running.stdin.close()


def placed(mailbox: Mailbox) -> dict[str, list[str]]:
    """Where each message lies: its id → paths."""
    found: dict[str, list[str]] = {}
    for store in Store.objects.order_by("pk"):
        opened = engines.open_store(store)
        paths = {folder.number: folder.path for folder in opened.folders(mailbox.pk)}
        for row in opened.rows(list(opened.catalogue.numbers())):
            found[f"{store.pk}:{row.number}"] = [paths[folder] for folder, _mailbox in row.placements]
    return found


def readable(reader: User, mailbox: Mailbox) -> set[str]:
    """What somebody may read, asked of folders: the index follows later."""
    (archive,) = [each for each in readable_archives(actor_of(reader)) if each.mailbox == mailbox]
    return {public_id for public_id, paths in placed(mailbox).items() if any(map(archive.allows, paths))}


def killed(process: subprocess.Popen[str], after_s: float, *words: str) -> bool:
    """Start a step and kill it after a while; whether it came to its end before."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\t".join(words) + "\n")
    process.stdin.flush()
    said = process.stdout.readline().split()
    heard = []
    while said[0] != "begun":  # its child may have spoken first
        heard.append(said[0])
        said = process.stdout.readline().split()
    time.sleep(after_s)
    os.kill(int(said[1]), signal.SIGKILL)
    process.stdin.write("\n")
    process.stdin.flush()
    while (line := process.stdout.readline().strip()) != "gone":
        heard.append(line)
    return "done" in heard


@pytest.mark.torture
@pytest.mark.django_db(transaction=True)
def test_folders_killed_on_their_way_arrive_with_all_their_mail_and_nobody_reads_more(
    mailbox: Mailbox, process: subprocess.Popen[str]
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    reader = make_user()
    set_folder_privileges(SYSTEM, reader, mailbox, "", ["read"])
    set_folder_privileges(SYSTEM, reader, mailbox, "Private", ["none"])
    everything = set(placed(mailbox))
    open_to_reader = readable(reader, mailbox)
    assert len(everything) - len(open_to_reader) == 2 * EACH
    engines.close_all()
    ended = 0
    for kill in range(KILLS):
        operation, source, target = STEPS[kill % len(STEPS)]
        ids = " ".join(chosen(mailbox, chance, source)) if operation == "messages" else ""
        engines.close_all()
        ended += killed(process, chance.random() ** 2 * 0.4, operation, source, target, ids)
        lies = placed(mailbox)
        assert set(lies) == everything and all(len(paths) == 1 for paths in lies.values()), seed
        assert readable(reader, mailbox) == open_to_reader, seed
        folders.finish_interrupted_moves()
        assert not FolderMove.objects.filter(ended_at=None).exists(), seed
        settle(mailbox, operation, source, target, ids)
        lies = placed(mailbox)
        assert set(lies) == everything and all(len(paths) == 1 for paths in lies.values()), seed
        assert readable(reader, mailbox) == open_to_reader, seed
    begun = Counter(FolderMove.objects.values_list("kind", flat=True))
    assert {kind: AuditEvent.objects.filter(action=f"folder.{kind}").count() for kind in begun} == begun
    for store in Store.objects.all():
        check_invariants(engines.open_store(store), index=True)
    print(f"{ended} of {KILLS} came to their end before")


def chosen(mailbox: Mailbox, chance: random.Random, source: str) -> list[str]:
    """Half of what lies in a folder, of both stores."""
    there = sorted(public_id for public_id, paths in placed(mailbox).items() if paths == [source])
    return chance.sample(there, len(there) // 2)


def settle(mailbox: Mailbox, operation: str, source: str, target: str, ids: str) -> None:
    """Do what the killed one had not begun, so that the next step finds what it needs."""
    there = {folder.path for store in Store.objects.all() for folder in engines.open_store(store).folders(mailbox.pk)}
    if operation == "move" and source in there:
        folders.move_folder(SYSTEM, mailbox, source, target)
    elif operation == "merge":
        if source in there:
            folders.merge_folders(SYSTEM, mailbox, source, target)
        folders.create_folder(SYSTEM, mailbox, source)  # the next step brings mail into it
    elif operation == "messages":
        left = {public_id for public_id, paths in placed(mailbox).items() if paths == [source]}
        if rest := [public_id for public_id in ids.split() if public_id in left]:
            message_moves.move_messages(SYSTEM, mailbox, rest, target, source=source)
