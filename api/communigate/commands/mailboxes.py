"""An account's mailboxes, which are the folders of its archive: `/` between names, INBOX for the one at the top."""

from __future__ import annotations

import re

from accounts.models import FolderGrant
from accounts.permissions import Right
from api.communigate.commands.account_extras import changed
from api.communigate.context import Context, text_of, texts_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import MAILBOX_EXISTS, NO_ACCOUNT, RIGHTS, Refused, TakenAlready
from api.communigate.table import Command, command, done
from archive import folderfacts, foldernames
from archive.folderfacts import FolderFigures, Seen
from archive.folderrights import DELETE, READ, WRITE, privileges_on
from archive.services import folder_notes, folders, sharing
from archive.services.imports import DEFAULT_FOLDER
from archive.store.rows import FolderSum
from domains.models import Mailbox
from domains.services import account_rights

INBOX = "INBOX"
LETTERS = {READ: "lrs", WRITE: "wipkx", DELETE: "te"}  # RFC 4314 §2.1
_EMPTY = FolderFigures(INBOX, FolderSum(), FolderSum(), {}, 0)
OWNERS = "lrswipkxtea"
NAMED = "name MAILBOX|MAILBOXES:kind mailbox"


def _account(context: Context, arguments: Arguments) -> Mailbox:
    return context.account(arguments["name"], own=True)


def _path(mailbox: Mailbox, name: str) -> str:
    return foldernames.resolve(mailbox, _ours(name))


def _ours(name: str) -> str:
    """As it is called here: scripts write the Inbox in capitals."""
    path = foldernames.clean(name)
    first, slash, rest = path.partition("/")
    return f"{DEFAULT_FOLDER}{slash}{rest}" if foldernames.is_system(first) else path


def _said(path: str) -> str:
    """As it is called there: the Inbox in capitals."""
    first, slash, rest = path.partition("/")
    return f"{INBOX}{slash}{rest}" if foldernames.is_system(first) else path


def _may(context: Context, mailbox: Mailbox, arguments: Arguments, path: str, privilege: str) -> bool:
    """Whether the account the command runs for may do this; without AUTH whoever sends it, who is asked elsewhere."""
    if "auth" not in arguments:
        return True
    other = context.account(arguments["auth"], own=True)
    return other.user is not None and privilege in _privileges(other, mailbox, path)


def _privileges(other: Mailbox, mailbox: Mailbox, path: str) -> list[str]:
    if other.pk == mailbox.pk:
        return [READ, WRITE, DELETE]
    return privileges_on(other.user, mailbox, path) if other.user is not None else []


def _require(context: Context, mailbox: Mailbox, arguments: Arguments, path: str, privilege: str) -> None:
    if not _may(context, mailbox, arguments, path, privilege):
        raise Refused(RIGHTS, "insufficient access rights")


# --- the tree ---------------------------------------------------------------------------------------------------------


def list_mailboxes(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    seen = folderfacts.see_folders(context.actor, mailbox)
    classes = folderfacts.classes_of(mailbox)
    fits = _filter(arguments.get("filter", "*"))
    found: dict[str, Value] = {}
    for line in [*_inbox(seen), *folderfacts.figures(seen)]:
        name = _said(line.path)
        if fits.fullmatch(name) and _may(context, mailbox, arguments, line.path, READ):
            found[name] = _information(line, classes.get(line.path, ""))
    return found


def _inbox(seen: Seen) -> list[FolderFigures]:
    """Everybody has one, also before any mail came."""
    if any(foldernames.is_system(node.path) for node in seen.top()):
        return []
    return [_EMPTY]


def _filter(text: str) -> re.Pattern[str]:
    """The wildcards of IMAP's LIST: `*` is anything, `%` anything within one level. Source: RFC 9051 §6.3.9."""
    if len(text) > 200 or text.count("*") + text.count("%") > 8:
        raise Refused(501, "the filter has too many wildcards")
    parts = {"*": ".*", "%": "[^/]*"}
    plain = re.sub(r"\*+", "*", text)
    return re.compile("".join(parts.get(sign, re.escape(sign)) for sign in plain), re.DOTALL)


def _information(line: FolderFigures, folder_class: str) -> Dictionary:
    found: Dictionary = {
        "Messages": str(line.itself.messages),
        "Size": str(line.itself.size_bytes),
        "UIDNext": str(line.itself.messages + 1),
    }
    if folder_class:
        found["Class"] = folder_class
    return found


def create(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    path = _ours(arguments["mailbox"])
    _require(context, mailbox, arguments, path, WRITE)
    _require_free(context, mailbox, path)
    folders.create_folder(context.actor, mailbox, path, folder_class=arguments.get("class", ""))
    return done()


def _require_free(context: Context, mailbox: Mailbox, path: str) -> None:
    """Everybody has an INBOX, also before any mail came. Raises: TakenAlready."""
    present = folderfacts.see_folders(context.actor, mailbox).tree.by_path
    if foldernames.is_system(path) or path.casefold() in map(str.casefold, present):
        raise TakenAlready(MAILBOX_EXISTS, "Mailbox with this name already exists")


def delete(context: Context, arguments: Arguments) -> Data:
    """With mail in it, it takes a reason, and what retention or a hold keeps: that is for the archive's own pages."""
    mailbox = _account(context, arguments)
    path = _path(mailbox, arguments["mailbox"])
    _require(context, mailbox, arguments, path, DELETE)
    node = folderfacts.see_folders(context.actor, mailbox).find(path)
    if arguments["kind"] == "MAILBOX" and node.children:
        raise Refused(501, "the mailbox has others below it; use MAILBOXES")
    gone = folders.delete_empty_folders(context.actor, mailbox, path)
    if path not in gone.removed:
        raise Refused(501, gone.kept.get(path) or "mail lies in it or below it: archived mail is deleted with a reason")
    return done()


def rename(context: Context, arguments: Arguments) -> Data:
    """Those below it always come along."""
    mailbox = _account(context, arguments)
    path = _path(mailbox, arguments["mailbox"])
    _require(context, mailbox, arguments, path, DELETE)
    folderfacts.see_folders(context.actor, mailbox).find(path)
    target = _ours(arguments["new"])
    if target.casefold() != path.casefold():
        _require_free(context, mailbox, target)
    folders.move_folder(context.actor, mailbox, path, target)
    return done()


def info(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    seen = folderfacts.see_folders(context.actor, mailbox)
    path = _path(mailbox, arguments["mailbox"])
    _require(context, mailbox, arguments, path, READ)
    if foldernames.is_system(path) and seen.tree.find(path) is None:
        return _information(_EMPTY, "")
    return _information(folderfacts.figures(seen, path)[0], folderfacts.class_of(mailbox, path))


def set_class(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    path = _path(mailbox, arguments["mailbox"])
    _require(context, mailbox, arguments, path, WRITE)
    folder_notes.set_class(context.actor, mailbox, path, arguments["class"])
    return done()


# --- who may do what --------------------------------------------------------------------------------------------------


def _letters(privileges: list[str]) -> str:
    held = "".join(LETTERS[each] for each in privileges if each in LETTERS)
    return "".join(letter for letter in OWNERS if letter in held)


def _of_letters(letters: str) -> list[str]:
    return [privilege for privilege, mine in LETTERS.items() if set(mine) & set(letters)]


def _grants(mailbox: Mailbox, path: str) -> list[FolderGrant]:
    return list(FolderGrant.objects.select_related("user").filter(mailbox_id=mailbox.pk, folder=path))


def _seen_folder(context: Context, arguments: Arguments) -> tuple[Mailbox, str]:
    mailbox = _account(context, arguments)
    path = _path(mailbox, arguments["mailbox"])
    if not foldernames.is_system(path):
        folderfacts.see_folders(context.actor, mailbox).find(path)
    return mailbox, path


def get_acl(context: Context, arguments: Arguments) -> Data:
    mailbox, path = _seen_folder(context, arguments)
    if "auth" in arguments and context.account(arguments["auth"], own=True).pk != mailbox.pk:
        raise Refused(RIGHTS, "insufficient access rights")
    return {grant.user.email: _letters(grant.privileges) for grant in _grants(mailbox, path)}


def set_acl(context: Context, arguments: Arguments) -> Data:
    mailbox, path = _seen_folder(context, arguments)
    if "auth" in arguments and context.account(arguments["auth"], own=True).pk != mailbox.pk:
        raise Refused(RIGHTS, "insufficient access rights")
    present = {grant.user.email: grant for grant in _grants(mailbox, path)}
    actor = (context.in_person() if _is_own(context, mailbox) else None) or context.actor
    for name, letters in arguments["acl"].items():
        old = present.get(context.full(name).lower())
        person = old.user if old is not None else _other(context, mailbox, name).user
        if person is None:
            raise Refused(NO_ACCOUNT, f"nobody signs in with {name}")
        wanted = changed(_letters(old.privileges) if old else "", text_of(letters, name))
        if _of_letters(wanted):
            sharing.set_folder_privileges(actor, person, mailbox, path, _of_letters(wanted))
        elif old is not None:
            sharing.remove_folder_grant(actor, old, mailbox)
    return done()


def _is_own(context: Context, mailbox: Mailbox) -> bool:
    return mailbox.user is not None and context.actor.owns(mailbox.user) and context.actor.acting is None


def _other(context: Context, mailbox: Mailbox, name: str) -> Mailbox:
    """Owners needn't see the accounts of those near them to let them in. Raises: Refused."""
    near = account_rights.find_grantee(mailbox, context.full(name)) if _is_own(context, mailbox) else None
    return near if near is not None else context.account(name, own=True)


def get_rights(context: Context, arguments: Arguments) -> Data:
    mailbox, path = _seen_folder(context, arguments)
    other = _other(context, mailbox, arguments["auth"])
    return OWNERS if other.pk == mailbox.pk else _letters(_privileges(other, mailbox, path))


# --- names and what is shown ------------------------------------------------------------------------------------------


def get_subscription(context: Context, arguments: Arguments) -> Data:
    mailbox = context.account(arguments["name"], Right.VIEW_USERS, own=True)
    return [_said(path) for path in folderfacts.subscription_of(mailbox)]


def set_subscription(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    wanted = [_ours(name) for name in texts_of(arguments["mailboxes"], "mailboxes")]
    folder_notes.set_subscription(context.actor, mailbox, wanted)
    return done()


def get_aliases(context: Context, arguments: Arguments) -> Data:
    found = folderfacts.aliases_of(_account(context, arguments))
    return {name: _said(path) for name, path in found.items()}


def set_aliases(context: Context, arguments: Arguments) -> Data:
    mailbox = _account(context, arguments)
    wanted = {name: _ours(text_of(path, name)) for name, path in arguments["aliases"].items()}
    folder_notes.set_aliases(context.actor, mailbox, wanted)
    return done()


COMMANDS: list[Command] = [
    command("LISTMAILBOXES", "name [ FILTER filter ] [ AUTH auth ]", list_mailboxes, "List mailboxes", reads=True),
    command(
        "CREATEMAILBOX",
        (
            "name MAILBOX mailbox [ CLASS class ] [ AUTH auth ]",
            "name MAILBOX mailbox [ AUTH auth ] [ CLASS class ]",
            "name mailbox [ AUTH auth ]",
        ),
        create,
        "Make a mailbox",
        taken=MAILBOX_EXISTS,
    ),
    command("DELETEMAILBOX", f"{NAMED} [ AUTH auth ]", delete, "Delete a mailbox"),
    command("RENAMEMAILBOX", f"{NAMED} INTO new [ AUTH auth ]", rename, "Rename a mailbox", taken=MAILBOX_EXISTS),
    command("GETMAILBOXINFO", "name MAILBOX mailbox [ AUTH auth ]", info, "Read what a mailbox holds", reads=True),
    command("GETMAILBOXACL", "name MAILBOX mailbox [ AUTH auth ]", get_acl, "Read who may what there", reads=True),
    command("SETMAILBOXACL", "name MAILBOX mailbox [ AUTH auth ] acl{}", set_acl, "Change who may what there"),
    command("GETMAILBOXRIGHTS", "name MAILBOX mailbox AUTH auth", get_rights, "Read what one may there", reads=True),
    command("SETMAILBOXCLASS", "name MAILBOX mailbox [ AUTH auth ] CLASS class", set_class, "Say what it is for"),
    command("GETMAILBOXSUBSCRIPTION", "name", get_subscription, "List the mailboxes that are shown", reads=True),
    command("SETMAILBOXSUBSCRIPTION", "name mailboxes()", set_subscription, "Set the mailboxes that are shown"),
    command("GETMAILBOXALIASES", "name", get_aliases, "List other names of mailboxes", reads=True),
    command("SETMAILBOXALIASES", "name aliases{}", set_aliases, "Set other names of mailboxes"),
]
