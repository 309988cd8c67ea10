"""Paths of folders as people and programs write them: made tidy, compared, moved; other names looked up.

Not for the engine's own taming of names (`archive.store.paths`), which never refuses anything that mail comes with.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import BadArguments, FolderRefused
from archive.models import FolderAlias, LegalHold
from archive.models.folders import CLASS_MAX, PATH_MAX
from archive.query.errors import QueryError
from archive.query.language import parse
from archive.query.nodes import And, InFolder, Node, Not, Or
from archive.services.imports import clean_folder
from archive.store.paths import folder_names
from domains.models import Mailbox

SEPARATOR, DOTTED = "/", "."


def clean(path: str, *, separator: str = SEPARATOR) -> str:
    """A path made tidy, with `/` between names; programs of other houses put a dot there. Raises: FolderRefused."""
    if separator == DOTTED:
        if "/" in path:
            raise FolderRefused(_("No name in it may have a “/”."), field="folder")
        path = path.replace(DOTTED, SEPARATOR)
    try:
        tidy = "/".join(folder_names(clean_folder(path)))
    except (BadArguments, ValueError) as error:
        raise FolderRefused(_("A folder is one to 32 names, separated by “/”."), field="folder") from error
    require_fits(tidy)
    return tidy


def require_fits(path: str) -> None:
    """Raises: FolderRefused."""
    if len(path) > PATH_MAX:
        raise FolderRefused(_("The path would be longer than 1,000 characters."), field="target")


def dotted(path: str) -> str:
    """With dots between names; a dot inside a name becomes a dash there, since nothing else could tell them apart."""
    return path.replace(DOTTED, "-").replace(SEPARATOR, DOTTED)


def clean_class(value: str) -> str:
    """Raises: FolderRefused."""
    value = value.strip()
    if len(value) > CLASS_MAX or not value.isprintable() or " " in value:
        raise FolderRefused(_("A class is one word of at most 64 characters."), field="folder_class")
    return value


def resolve(mailbox: Mailbox, path: str) -> str:
    """The path that a name stands for: another name, or something below one, is looked up. Raises: FolderRefused."""
    tidy = clean(path)
    aliases = dict(FolderAlias.objects.filter(mailbox=mailbox).values_list("alias", "path"))
    for name in with_above(tidy) if aliases else ():
        if name in aliases:
            return aliases[name] + tidy[len(name) :]
    return tidy


def above(path: str) -> str:
    """The path of the folder above; empty at the top."""
    return path.rpartition("/")[0]


def with_above(path: str) -> Iterator[str]:
    """The path itself and all above it."""
    while path:
        yield path
        path = above(path)


def lies_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it; everything lies in none."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def moved(path: str, source: str, target: str) -> str:
    """Where something that lies in `source` lies when that is called `target`."""
    return target + path[len(source) :]


def is_system(path: str) -> bool:
    """The Inbox at the top, under any spelling: mail without a folder of its own comes there."""
    return path.casefold() == "inbox"


def require_movable(source: str, target: str) -> None:
    """Raises: FolderRefused."""
    if is_system(source):
        raise FolderRefused(_("The Inbox keeps its name and place."), field="folder")
    if source == target:
        raise FolderRefused(_("It is called so already."), field="target")
    if lies_in(target, source):
        raise FolderRefused(_("A folder can't lie within itself."), field="target")


def require_not_held(actor: Actor, *paths: str) -> None:
    """A hold that speaks of a folder must go on finding what lies in it. Raises: FolderRefused."""
    names = held_by(*paths)
    if names and actor.has(Right.MANAGE_HOLDS):
        said = {"holds": ", ".join(names)}
        raise FolderRefused(_("Legal holds speak of this folder by its name: %(holds)s.") % said, field="folder")
    if names:
        raise FolderRefused(_("A legal hold speaks of this folder by its name."), field="folder")


def held_by(*paths: str) -> list[str]:
    """The holds in force whose search names one of these folders, one above or one below it."""
    found = []
    for hold in LegalHold.objects.filter(state=LegalHold.State.ACTIVE).exclude(query=""):
        try:
            named = [each.strip("/").casefold() for each in folders_in(parse(hold.query))]
        except QueryError:
            named = [""]
        folded = [path.casefold() for path in paths if path]
        if any(lies_in(path, name) or lies_in(name, path) for path in folded for name in named):
            found.append(hold.name)
    return found


def folders_in(node: Node) -> Iterator[str]:
    """The folders a search names."""
    if isinstance(node, InFolder):
        yield node.path
    elif isinstance(node, Not):
        yield from folders_in(node.child)
    elif isinstance(node, And | Or):
        for each in node.children:
            yield from folders_in(each)
