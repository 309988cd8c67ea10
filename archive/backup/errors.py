"""What can go wrong with a backup; `permanent` says whether trying again by itself can help."""

from __future__ import annotations


class BackupError(Exception):
    """Root of all errors of backups."""

    permanent = True


class DestinationRefused(BackupError):
    """The destination says no: a key it doesn't accept, a bucket that isn't there, a folder that can't be written."""


class DestinationFailed(BackupError):
    """The destination can't be reached, or broke off, more often than was tried."""

    permanent = False


class DestinationFull(BackupError):
    """No room is left there; the set that was being written is not listed, what it wrote is used by the next one."""

    permanent = False


class DestinationBusy(BackupError):
    """Another backup or clean-up works on this destination."""

    permanent = False


class ObjectMissing(BackupError):
    """The destination has no object of this name."""


class SetDamaged(BackupError):
    """What lies at the destination is not what was written."""


class SetUnknown(BackupError):
    """There is no such backup set at this destination, or no such store or mailbox in it."""


class KeyRefused(BackupError):
    """The key at hand does not open this backup."""


class InTheWay(BackupError):
    """Something lies where is to be restored to."""
