"""What compaction does after an erasure, beyond giving bytes back: nothing of an erased message may stay anywhere.

- a dictionary that was made of an erased message (or of nobody knows what) is retired: another one is made of what is
  kept, every frame compressed with the old one is compressed anew, and its file goes (`und`);
- packs with any byte of a deleted message are written anew, however little it is;
- the projections of this node forget it: the index is built anew (tantivy keeps deleted words), the catalogue's free
  pages go (SQLite keeps deleted rows), and so do damaged catalogues that were put aside.

Relies on I3, I4, I6. The journal keeps what proves that there was a message: its number, hash, size and date, and who
erased it why.
"""

from __future__ import annotations

import contextlib
import random
import shutil

import zstandard

from ..base import DICTIONARY_FOLDER
from ..errors import Busy, Damaged, NotFound
from ..indexer import LEASE
from ..samples import SAMPLE_BYTES, SAMPLE_LEAST_MESSAGES, SAMPLE_MESSAGE_BYTES
from ..store import Store
from . import rebuild_index
from .report import Progress, Stop

SAMPLES = 3000
MARK = "cleaned"


def is_pending(store: Store) -> bool:
    """Whether something was erased since packs and dictionaries were last cleaned of all that had been."""
    return store.catalogue.counter("erased") > store.catalogue.counter("cleaned")


def tainted(store: Store) -> set[int]:
    """The dictionaries that are made of a message which is not kept any more, or of what is not known."""
    known = {number: store.catalogue.samples_of(number) for number in store.catalogue.dictionaries()}
    return {
        number
        for number, samples in known.items()
        if not (samples and all(map(store.catalogue.has_beginning, samples)))
    }


def train_anew(store: Store) -> bool:
    """A dictionary of a sample of all that is kept now; False where that is too little to train on."""
    numbers = list(store.catalogue.numbers())
    chosen = random.Random(len(numbers)).sample(numbers, min(len(numbers), SAMPLES))  # noqa: S311 - no secret
    samples, size = list[bytes](), 0
    for row in store.rows(chosen):
        if row.size <= SAMPLE_MESSAGE_BYTES and size < SAMPLE_BYTES:
            with contextlib.suppress(Damaged, NotFound):
                samples.append(store.read(row.number))
                size += row.size
    if len(samples) < SAMPLE_LEAST_MESSAGES:
        return False
    with contextlib.suppress(zstandard.ZstdError):
        store.train_dictionary(samples)
        return True
    return False


def clean_projections(store: Store, progress: Progress, stop: Stop) -> bool:
    """Make this node's index and catalogue forget what was erased, if they have not; whether there was something to do.

    Raises: Stopped, StorageFailed; the next compaction does it then.
    """
    mark, cleaned = store.work / MARK, store.catalogue.counter("cleaned")
    if cleaned <= (int(mark.read_text()) if mark.exists() else 0):
        return False
    rebuild_index.run(store, rebuild_index.plan(store), progress, stop)
    with store.work_lease(LEASE):
        store.catalogue.wipe()
    store.catalogue.tidy()
    _drop_leftovers(store)
    mark.write_text(str(cleaned))
    return True


def _drop_leftovers(store: Store) -> None:
    """What killed operations and recoveries left in the work folder: copies of an earlier catalogue."""
    with store.writer_lease():
        for path in [*store.work.glob("catalogue.damaged-*"), *store.work.glob("catalogue.new.sqlite*")]:
            path.unlink()
    with contextlib.suppress(Busy), store.work_lease("verify.lock", wait=False):
        for path in store.work.glob("verify.*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def sweep_dictionaries(store: Store) -> None:
    """Delete files of dictionaries that are retired; only under the writer lease."""
    known, following = store.catalogue.dictionaries(), store.catalogue.counter("next_dictionary")
    for name in store.backend.names(DICTIONARY_FOLDER):
        stem = name.rsplit("/", 1)[1].removesuffix(".dict")
        if stem.isdecimal() and int(stem) not in known and int(stem) < following:
            store.backend.delete(name)
