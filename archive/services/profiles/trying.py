"""Trying a profile: can its source be read, which folders would be taken, how many messages, and where would they go?

Nothing is archived, sent, marked or deleted; no message is read.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from archive.errors import ProfileError
from archive.models import Profile, ProfileKind
from archive.profiles.accounts import mailboxes_of
from archive.profiles.context import FolderRules, Signing, server_of, spool_dir
from archive.profiles.paths import check_path
from archive.remote.errors import RemoteError
from archive.remote.imap import Imap
from archive.remote.pop3 import Pop3
from archive.remote.smtp import Smtp
from archive.services.profiles.keeping import right_for
from config.kit import net
from domains.models import Mailbox

MOST_MAILBOXES = 5
MOST_FOLDERS = 1_000


def try_profile(actor: Actor, profile: Profile) -> dict[str, Any]:
    """{"ok", "mailboxes": [{"mailbox", "folders": [...], "error"}], "note"}. Raises: Forbidden."""
    actor.require(right_for(profile.kind))
    try:
        found = _look(profile)
    except (net.NetError, RemoteError, ProfileError, OSError) as error:
        found = {"mailboxes": [], "error": str(error)}
    errors = [found.get("error"), *(each.get("error") for each in found["mailboxes"])]
    return {"ok": not any(errors), **found}


def _look(profile: Profile) -> dict[str, Any]:
    match profile.kind:
        case ProfileKind.FILES | ProfileKind.MBOX | ProfileKind.PST:
            return _look_at_path(profile)
        case ProfileKind.EXPORT_FILES | ProfileKind.EXPORT_MBOX:
            path = check_path(profile.settings["path"], writes=True)
            return {"mailboxes": [], "note": _("Each run makes a folder below %(path)s.") % {"path": path}}
        case ProfileKind.EXPORT_SMTP:
            return _look_at_smtp(profile)
        case ProfileKind.POP3:
            return {"mailboxes": [_look_at_pop(profile)]}
        case ProfileKind.JOURNAL if profile.settings["protocol"] == "pop3":
            return {"mailboxes": [_look_at_pop(profile)]}
    many = profile.kind == ProfileKind.IMAP_USERS or bool(profile.settings.get("login_format"))
    mailboxes: list[Mailbox | None] = list(mailboxes_of(profile)) if many else [profile.mailbox]
    signing = Signing(profile, f"a try of “{profile.name}”")
    shown = [_look_at_imap(profile, signing, each, many) for each in mailboxes[:MOST_MAILBOXES]]
    note = ""
    if len(mailboxes) > MOST_MAILBOXES:
        note = _("The first %(few)d of %(all)d mailboxes.") % {"few": MOST_MAILBOXES, "all": len(mailboxes)}
    return {"mailboxes": shown, "note": note}


def _look_at_imap(profile: Profile, signing: Signing, mailbox: Mailbox | None, many: bool) -> dict[str, Any]:
    address = "" if mailbox is None else mailbox.address
    rules = FolderRules(profile.settings)
    folders: list[dict[str, Any]] = []
    try:
        login = signing.login(address if many else "")
        with Imap(server_of(profile.settings), login, spool_dir=spool_dir(), who="a try of a profile") as client:
            for folder in client.folders()[:MOST_FOLDERS]:
                wanted = profile.exports or rules.wants(folder.path, folder.special)
                messages = client.open(folder).messages if wanted else None
                target = "" if profile.exports or not wanted else rules.target(folder.parts)
                folders.append({"path": folder.path, "target": target, "messages": messages, "wanted": wanted})
    except (net.NetError, RemoteError) as error:
        if not many:
            raise
        return {"mailbox": address, "folders": folders, "error": str(error)}
    return {"mailbox": address, "folders": folders}


def _look_at_pop(profile: Profile) -> dict[str, Any]:
    login = Signing(profile, "a try of a profile").login()
    with Pop3(server_of(profile.settings), login, spool_dir=spool_dir(), who="a try of a profile") as client:
        messages = len(client.unique_ids())
    target = profile.settings.get("folder") or "Inbox"
    address = "" if profile.mailbox is None else profile.mailbox.address
    return {
        "mailbox": address,
        "folders": [{"path": "INBOX", "target": target, "messages": messages, "wanted": True}],
    }


def _look_at_path(profile: Profile) -> dict[str, Any]:
    path = check_path(profile.settings["path"])
    if not path.exists():
        raise ProfileError(_("“%(path)s” does not exist.") % {"path": path})
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    said = {"count": len(files), "path": path}
    return {"mailboxes": [], "note": _("%(count)d files below %(path)s.") % said}


def _look_at_smtp(profile: Profile) -> dict[str, Any]:
    signing = Signing(profile, "a try of a profile")
    login = signing.login() if profile.settings["user_name"] else None
    with Smtp(server_of(profile.settings), login, helo="localhost", who="a try of a profile"):
        return {"mailboxes": [], "note": _("The server answers and lets us in.")}
