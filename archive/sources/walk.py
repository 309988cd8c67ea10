"""Walk the files of a source in a fixed order, without following anything and without trusting anything.

Every file is opened relative to its directory's handle, with O_NOFOLLOW, so a link put there meanwhile is refused
and no path is too long. What is no file (links, devices, pipes, sockets) and what can't be opened is named.
Not for: looking into files (recognise.py, archives.py).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archive.sources.model import Rejected
from archive.sources.names import folder_of_directory, is_eml, maildir_plus, shown

_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAILDIR_PARTS = ("cur", "new", "tmp")


@dataclass(slots=True)
class Leaf:
    """An opened regular file; whoever gets it closes `fd`. `given`: named by the person, not found in a tree."""

    fd: int
    path: str
    name: str
    folder: list[str]
    single: bool
    size: int
    given: bool


@dataclass(slots=True)
class _Level:
    fd: int
    path: str
    folder: list[str]
    maildir: bool
    single: bool  # the files directly in here are one message each
    names: list[str] = field(default_factory=list)  # still to visit, last first


def walk(paths: Sequence[Path], levels: int) -> Iterator[Leaf | Rejected]:
    """The files below `paths`, in their order, sorted by the bytes of their names in each directory.

    A path that the person gave may itself be a link; nothing below it is followed. `levels`: how deep directories
    may nest before they are named instead of entered.
    """
    for path in paths:
        try:
            resolved = os.path.realpath(path, strict=True)
            mode = os.stat(resolved).st_mode  # noqa: PTH116
        except (OSError, ValueError) as error:
            yield Rejected(shown(str(path)), None, _cannot(error))
            continue
        if stat.S_ISDIR(mode):
            yield from _walk_tree(path, resolved, levels)
        else:
            parent, name = os.path.split(resolved)
            single = is_eml(name) or _in_maildir(parent)
            yield _open_leaf(None, resolved, shown(str(path)), name, [], single, given=True)


def _cannot(error: BaseException) -> str:
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"can't be read: {what}"


def _in_maildir(directory: str) -> bool:
    """Is this the cur or new of a Maildir? Its parent then holds another of the three."""
    parent, name = os.path.split(directory)
    if name not in ("cur", "new"):
        return False
    return any(os.path.isdir(os.path.join(parent, other)) for other in _MAILDIR_PARTS if other != name)  # noqa: PTH112, PTH118


def _walk_tree(path: Path, resolved: str, levels: int) -> Iterator[Leaf | Rejected]:
    stack: list[_Level] = []
    first = _enter(None, resolved, shown(str(path)), [], single=_in_maildir(resolved))
    if isinstance(first, Rejected):
        yield first
        return
    stack.append(first)
    try:
        while stack:
            level = stack[-1]
            if not level.names:
                os.close(stack.pop().fd)
                continue
            name = level.names.pop()
            item = _visit(level, name, deep=len(stack) >= levels)
            if isinstance(item, _Level):
                stack.append(item)
            else:
                yield item
    finally:
        for level in stack:
            os.close(level.fd)


def _visit(level: _Level, name: str, *, deep: bool) -> Leaf | Rejected | _Level:
    path = f"{level.path}/{shown(name)}"
    try:
        mode = os.stat(name, dir_fd=level.fd, follow_symlinks=False).st_mode
    except OSError as error:
        return Rejected(path, None, _cannot(error))
    if not stat.S_ISDIR(mode):
        return _open_leaf(level.fd, name, path, name, level.folder, level.single or is_eml(name), given=False)
    if deep:
        return Rejected(path, None, "directories nested too deep; give this one as a path of its own")
    folder, single = level.folder, False
    if level.maildir and name in _MAILDIR_PARTS:
        single = name != "tmp"
    elif level.maildir and name.startswith("."):
        folder = [*level.folder, *(shown(part) for part in maildir_plus(name))]
    else:
        folder = [*level.folder, shown(folder_of_directory(name))]
    return _enter(level.fd, name, path, folder, single=single)


def _enter(dir_fd: int | None, name: str, path: str, folder: list[str], *, single: bool) -> _Level | Rejected:
    try:
        fd = os.open(name, _DIRECTORY_FLAGS, dir_fd=dir_fd)
        try:
            names = sorted(os.listdir(fd), key=os.fsencode, reverse=True)  # noqa: PTH208 - of a handle
            maildir = _is_maildir(fd, names)
        except BaseException:
            os.close(fd)
            raise
    except OSError as error:
        return Rejected(path, None, _cannot(error))
    if maildir and folder and folder[-1].lower() == "maildir":
        folder = folder[:-1]  # the usual name of a mailbox' root says nothing about its folders
    return _Level(fd, path, folder, maildir, single, names)


def _is_maildir(fd: int, names: list[str]) -> bool:
    parts = [name for name in _MAILDIR_PARTS if name in names]
    if len(parts) < 2:
        return False
    return all(stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode) for name in parts)


def _open_leaf(
    dir_fd: int | None, name: str, path: str, label: str, folder: list[str], single: bool, *, given: bool
) -> Leaf | Rejected:
    try:
        status = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
        what = _special(status.st_mode)
        if what:
            return Rejected(path, None, f"no message here: {what}")
        fd = os.open(name, _FILE_FLAGS, dir_fd=dir_fd)
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            return Rejected(path, None, "no message here: not a file")
    except OSError as error:
        return Rejected(path, None, _cannot(error))
    return Leaf(fd, path, label, folder, single, status.st_size, given)


def _special(mode: int) -> str | None:
    if stat.S_ISREG(mode):
        return None
    for test, what in (
        (stat.S_ISLNK, "a symbolic link, not followed"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    ):
        if test(mode):
            return what
    return "not a file"
