"""What can go wrong in a store, as callers need to tell it apart.

`permanent` says whether trying again can help: a full disk is not permanent, a flipped bit is. Not for errors of
the search language (`archive.query`) or of reading mail from disk (`archive.sources`).
"""

from __future__ import annotations


class StoreError(Exception):
    """Root of all errors of the engine."""

    permanent = True


class NotFound(StoreError):
    """There is no such message, folder, pack or file in this store."""


class Damaged(StoreError):
    """Stored bytes are not what was written: a failed tag, hash or chain. `what` and `where` name it."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{what} ({where})" if where else what)
        self.what = what
        self.where = where


class FolderGone(StoreError):
    """Folders in which something was to be placed were removed meanwhile; nothing was kept of the batch."""

    permanent = False

    def __init__(self, numbers: set[int]) -> None:
        super().__init__(f"folders that are no more: {sorted(numbers)}")
        self.numbers = numbers


class FolderTaken(StoreError):
    """There is a folder of that name there."""


class BadFolder(StoreError):
    """A folder can't lie there: within itself, or too deep."""


class KeyRefused(StoreError):
    """The key at hand does not open this store."""


class WrongFormat(StoreError):
    """The folder holds no store, or one of a version this code does not read."""


class NeedsUpgrade(WrongFormat):
    """The store is of an older format, which has no word for what was to be written: upgrade it first."""


class ReadOnly(StoreError):
    """The store was opened for reading, or is write-protected."""


class Busy(StoreError):
    """Somebody else holds the lease and the caller did not want to wait."""

    permanent = False


class StoreFull(StoreError):
    """The disk (or the quota) has no room; nothing was kept of the batch, the store stays usable."""

    permanent = False


class StorageFailed(StoreError):
    """Reading or writing failed for another reason of the operating system (I/O error, permission)."""

    permanent = False


class Stopped(StoreError):
    """The caller asked to stop; everything acknowledged so far is kept."""

    permanent = False
