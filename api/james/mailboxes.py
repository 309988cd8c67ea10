"""Mailboxes: the folders of a user's archive, with dots between names. What holds mail is never removed here: archived
mail leaves by retention, or by DeleteFolder with a second person's approval.
"""

from __future__ import annotations

import re

from django.http import Http404, HttpResponse

from accounts.permissions import Right
from api.james import tasks, users
from api.james.answers import JamesError, arguments, body, conflict, invalid, not_found, nothing
from api.james.asking import Asked
from archive import engines
from archive.commands.clearing import ClearFolderArguments
from archive.commands.reindexing import ReindexFolderArguments, ReindexMessageArguments, ReindexUserArguments
from archive.errors import ArchiveClosed, FolderRefused, FolderUnknown
from archive.folderfacts import get_archive_by_id, see_folders
from archive.foldertree import FolderNode
from archive.models import Store
from archive.selectors import open_stores
from archive.services import folders
from archive.services.reindexing import ReindexArguments
from domains.models import Mailbox

FORBIDDEN = "%*\r\n"
LONGEST = 200
_ID = re.compile(r"([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,17}))?", re.ASCII)


def _user(asked: Asked, doing: str, need: Right = Right.VIEW_USERS) -> Mailbox:
    try:
        return users.find(asked, asked.named["user"], need=need)
    except Http404 as error:
        raise JamesError(404, "notFound", doing, "User does not exist") from error


def _path(asked: Asked, doing: str) -> str:
    """The folder of the path's name. Raises: JamesError with what was attempted."""
    name = asked.named["mailbox"]
    said = f"#private:{asked.named['user']}:{name}"
    if any(sign in name for sign in FORBIDDEN) or name.startswith("#"):
        raise invalid(doing, f"{said} contains one of the forbidden characters {FORBIDDEN} or starts with #")
    if any(not part for part in name.split(".")):
        details = f"'{said}' has an empty part within its mailbox name considering . as a delimiter"
        raise invalid(doing, details)
    if len(name) > LONGEST:
        raise invalid(doing, f"'{said[:300]}' is too long")
    return name.replace("/", "∕").replace(".", "/")


def _node(asked: Asked, mailbox: Mailbox, path: str) -> FolderNode | None:
    """The folder of this path, in whatever letters."""
    try:
        seen = see_folders(asked.actor, mailbox)
    except ArchiveClosed:
        return None
    wanted = path.casefold()
    return next((node for node in seen.walk() if node.path.casefold() == wanted), None)


def _id(node: FolderNode, first: int) -> str:
    """The folder's number in its store, and the store's where it isn't the first; "" of one that only leads to others.

    Numbers are a store's own, and no other folder gets them; the first store's stand alone, as James's do.
    """
    if not node.parts:
        return ""
    store, number = node.parts[0]
    return str(number) if store == first else f"{number}-{store}"


def _first_store() -> int:
    """The oldest there ever was: a detached one stays, so that ids don't change with it."""
    return Store.objects.order_by("pk").values_list("pk", flat=True).first() or 0


def list_all(asked: Asked) -> HttpResponse:
    mailbox = _user(asked, "Invalid get on user mailboxes")
    try:
        nodes = list(see_folders(asked.actor, mailbox).walk())
    except ArchiveClosed:
        nodes = []
    ordered, first = sorted(nodes, key=lambda node: node.path), _first_store()
    return body([{"mailboxName": tasks.shown(node.path), "mailboxId": _id(node, first)} for node in ordered])


def exists(asked: Asked) -> HttpResponse:
    doing = "Attempt to test existence of an invalid mailbox"
    mailbox = _user(asked, "Invalid get on user mailboxes")
    if _node(asked, mailbox, _path(asked, doing)) is None:
        raise not_found("Mailbox does not exist")
    return nothing()


def put(asked: Asked) -> HttpResponse:
    doing = "Attempt to create an invalid mailbox"
    mailbox = _user(asked, "Invalid get on user mailboxes", Right.MANAGE_USERS)
    path = _path(asked, doing)
    if _node(asked, mailbox, path) is None:
        try:
            folders.create_folder(asked.actor, mailbox, path)
        except FolderRefused as error:
            raise invalid(doing, str(error)) from error
    return nothing()


def delete(asked: Asked) -> HttpResponse:
    mailbox = _user(asked, "Invalid delete on user mailboxes", Right.MANAGE_USERS)
    node = _node(asked, mailbox, _path(asked, "Attempt to delete an invalid mailbox"))
    if node is not None:
        _remove(asked, mailbox, node.path)
    return nothing()


def delete_all(asked: Asked) -> HttpResponse:
    mailbox = _user(asked, "Invalid delete on user mailboxes", Right.MANAGE_USERS)
    _remove(asked, mailbox, "")
    return nothing()


def _remove(asked: Asked, mailbox: Mailbox, path: str) -> None:
    """All that is empty goes; what holds mail stays, and the caller is told. Raises: JamesError."""
    try:
        folders.delete_empty_folders(asked.actor, mailbox, path)
        left = see_folders(asked.actor, mailbox)
    except FolderUnknown:
        return
    nodes = [node for node in left.walk() if not path or node.path == path or node.path.startswith(f"{path}/")]
    if nodes:
        raise conflict(
            "Mailboxes that hold mail stay",
            "Archived mail leaves by retention, or by DeleteFolder with a second person's approval",
        )


def message_count(asked: Asked) -> HttpResponse:
    return body(_there(asked)[1].messages)


def unseen_count(asked: Asked) -> HttpResponse:
    """An archive knows nothing of what somebody has read: nothing waits to be."""
    _there(asked)
    return body(0)


def clear(asked: Asked) -> HttpResponse:
    mailbox = _user(asked, "Invalid get on user mailboxes", Right.MANAGE_USERS)
    node = _node(asked, mailbox, _path(asked, "Attempt to delete an invalid mailbox"))
    if node is None:
        said = f"#private:{asked.named['user']}:{asked.named['mailbox']}"
        raise JamesError(404, "notFound", "Invalid get on user mailboxes", f"Mailbox does not exist. {said}")
    return tasks.begin(asked, "ClearFolder", ClearFolderArguments(f"{mailbox.address}/{node.path}"))


def _there(asked: Asked) -> tuple[Mailbox, FolderNode]:
    doing = "Invalid get on user mailboxes"
    mailbox = _user(asked, doing)
    node = _node(asked, mailbox, _path(asked, "Attempt to test existence of an invalid mailbox"))
    if node is None:
        said = f"#private:{asked.named['user']}:{asked.named['mailbox']}"
        raise JamesError(404, "notFound", doing, f"{said} can not be found")
    return mailbox, node


# --- indexing again ---------------------------------------------------------------------------------------------


def _require_options(asked: Asked) -> None:
    """What is asked for, and how: the index is always built anew, as fast as it goes. Raises: JamesError."""
    tasks.wanted(asked, "task", ["reIndex"])
    speed, mode = asked.query("messagesPerSecond"), asked.query("mode")
    if speed is not None and not re.fullmatch(r"[+-]?[0-9]{1,9}", speed, re.ASCII):
        wrong = "Illegal value supplied for query parameter 'messagesPerSecond'"
        raise arguments(f"{wrong}, expecting a strictly positive optional integer")
    if speed is not None and int(speed) <= 0:
        raise arguments("'messagesPerSecond' must be strictly positive")
    if mode is not None and mode not in tasks.MODES:
        raise arguments(f"'{mode[:100]}' is not a valid mode. Supported values are [{', '.join(tasks.MODES)}]")


def reindex_all(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_STORES)
    _require_options(asked)
    before = asked.query("reIndexFailedMessagesOf")
    if before:
        return tasks.again(asked, before)
    return tasks.begin_reindexing(asked, "FullReIndexing", ReindexArguments())


def reindex_user(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_STORES)
    _require_options(asked)
    mailbox = users.named(asked)
    return tasks.begin_reindexing(asked, "UserReIndexing", ReindexUserArguments(mailbox.address))


def reindex_folder(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_STORES)
    _require_options(asked)
    mailbox, node = _by_id(asked)
    return tasks.begin_reindexing(asked, "MailboxReIndexing", ReindexFolderArguments(mailbox.address, node.path))


def reindex_in_folder(asked: Asked) -> HttpResponse:
    """One message by its number, if it lies in this folder; without it the task finds nothing to do."""
    asked.actor.require(Right.MANAGE_STORES)
    _require_options(asked)
    _require_id(asked)
    uid = asked.named["uid"]
    if not (uid.isascii() and uid.isdecimal() and len(uid) < 18):
        raise invalid("'uid' needs to be a parsable long", f'For input string: "{uid[:100]}"')
    mailbox, node = _by_id(asked)
    wanted = ReindexMessageArguments(uid, folder=f"{mailbox.address}/{node.path}", missing_ok=True)
    return tasks.begin(asked, "MessageReIndexing", wanted)


def reindex_message(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_STORES)
    _require_options(asked)
    return _reindex_message(asked, asked.named["message"])


def _reindex_message(asked: Asked, name: str) -> HttpResponse:
    number = f"1:{name}" if name.isascii() and name.isdecimal() else name
    is_ours = number.count(":") == 1 and all(part.isdecimal() and len(part) < 18 for part in number.split(":"))
    if not (is_ours or "@" in name):
        raise invalid("Error while parsing 'messageId'")
    return tasks.begin(
        asked, "MessageReIndexing", ReindexMessageArguments(number if is_ours else name, missing_ok=True)
    )


def _require_id(asked: Asked) -> re.Match[str]:
    """The numbers of an id. Raises: JamesError."""
    numbers = _ID.fullmatch(asked.named["id"])
    if numbers is None:
        raise invalid("Error while parsing 'mailbox'", f'For input string: "{asked.named["id"][:100]}"')
    return numbers


def _by_id(asked: Asked) -> tuple[Mailbox, FolderNode]:
    """The folder of an id as lists tell it, whoever's it is; below a user only theirs. Raises: JamesError."""
    numbers = _require_id(asked)
    owner = users.named(asked) if "user" in asked.named else None
    part = (int(numbers[2] or _first_store()), int(numbers[1]))
    try:
        archive = _archive_of(part)
        if archive is not None and (owner is None or owner.pk == archive):
            mailbox = get_archive_by_id(asked.actor, archive)
            nodes = see_folders(asked.actor, mailbox).walk()
            return mailbox, next(node for node in nodes if part in node.parts)
    except (ArchiveClosed, StopIteration):
        pass
    raise not_found("mailbox not found")


def _archive_of(part: tuple[int, int]) -> int | None:
    """The number of the archive that a folder of a store is in."""
    store = next((each for each in open_stores() if each.pk == part[0]), None)
    folders = [] if store is None else engines.open_store(store).folders(None)
    return next((each.mailbox for each in folders if each.number == part[1]), None)


def expire(asked: Asked) -> HttpResponse:
    """DELETE /messages: read as James reads it, and refused: mail leaves an archive by retention."""
    asked.actor.require(Right.DELETE_MAIL)
    older = asked.query("olderThan")
    if (older is not None) == asked.has("byExpiresHeader"):
        raise arguments("Must specify either 'olderThan' or 'byExpiresHeader' parameter")
    per_second = asked.query("usersPerSecond")
    if per_second is not None and not re.fullmatch(r"[+-]?[0-9]{1,9}", per_second, re.ASCII):
        raise arguments("'usersPerSecond' must be numeric")
    if older is not None and older.startswith("-"):
        raise arguments("Duration amount should be positive")
    if per_second is not None and int(per_second) <= 0:
        raise arguments("'usersPerSecond' must be strictly positive")
    name = asked.query("user")
    if name is not None:
        try:
            users.find(asked, name)
        except Http404 as error:
            raise arguments("user does not exist") from error
    raise arguments("Mail leaves an archive by its retention policies only")
