"""What can go wrong in the archive as people see it; not for the engine's own errors (`archive.store.errors`)."""

from __future__ import annotations


class ArchiveError(Exception):
    """The root: something about the archive can't be done. `permanent` = trying again changes nothing."""

    permanent = True


class StoreUnknown(ArchiveError):
    """There is no store of that name, or it is switched off."""


class StoreProtected(ArchiveError):
    """The store is write-protected or switched off: nothing may be changed in it."""


class StoreRefused(ArchiveError):
    """A store can't be made, attached or changed so. `field` names what is wrong with the request, if one thing is."""

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class StoreUnavailable(ArchiveError):
    """The store is known but its folder can't be opened just now."""

    permanent = False


class MessageUnknown(ArchiveError):
    """No such message, or none this person may read."""


class ArchiveClosed(ArchiveError):
    """Nobody's archive by that number, or not opened to this person."""


class PathRefused(ArchiveError):
    """A path on the server that is missing, unreadable, or outside the folders imports may come from."""


class BadArguments(ArchiveError):
    """The request contradicts itself: an unknown format, an empty reason, no source at all. `field` is which part."""

    def __init__(self, text: str = "", *, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


class ImportIncomplete(ArchiveError):
    """The independent count of the source and what was archived, known already, and rejected don't add up."""


class ExportGone(ArchiveError):
    """The prepared download has expired or was removed."""


class BadPolicy(ArchiveError, ValueError):
    """Retention, a hold or compliance can't be set like this; the text says why, `field` what the caller gave."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class BadCase(ArchiveError, ValueError):
    """An e-discovery case can't be like this, or not any more; `field` is what the caller gave."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class Kept(ArchiveError):
    """A message stays: its retention, a hold or compliance forbids that it is deleted, for everybody. Says which."""


class HoldUnknown(ArchiveError):
    """There is no such hold, or none this person may see."""


class ProcessingStopped(ArchiveError):
    """Retention can't be processed now without the risk of deleting what must stay; the text says why."""

    permanent = False


class ProfileError(ArchiveError):
    """The root of what is wrong with a profile or its run."""


class BadProfile(ProfileError):
    """A property of a profile can't be like this; `field` is its name inside."""

    def __init__(self, text: str, *, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


class ProfileBusy(ProfileError):
    """The profile runs already."""

    permanent = False


class ProfileUnknown(ProfileError):
    """No such profile or result, or none that this person may see."""


class BackupUnknown(ArchiveError):
    """No such backup destination or set, or none that this person may see."""


class BackupIncomplete(ArchiveError):
    """A backup was written and something of the archive is not in it; the text names it."""


class FolderError(ArchiveError):
    """The root of what is wrong with a folder. `field` is what the caller gave."""

    def __init__(self, text: str = "", *, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


class FolderUnknown(FolderError):
    """There is no such folder in this archive."""


class FolderRefused(FolderError):
    """A folder can't be called so, lie there, or move; the text says why."""


class FolderProtected(FolderError):
    """A store that holds the folder takes no changes."""


class FolderBusy(FolderError):
    """Another change of this archive's folders is under way."""

    permanent = False
