"""What is said of folders beside their names: class, other names, and which ones the owner's programs show.

Nothing of it changes what is kept or who may read it. Not for folders themselves (`folders`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from archive import foldernames
from archive.errors import FolderRefused, FolderUnknown
from archive.folderrights import administers, require_organising
from archive.foldertree import whole_tree
from archive.models import FolderAlias, FolderClass, FolderSubscription
from domains.models import Mailbox

MOST = 1000


def set_class(actor: Actor, mailbox: Mailbox, path: str, value: str) -> str:
    """Say what a folder is for; nothing takes it back. Raises: Forbidden, FolderUnknown, FolderRefused."""
    path, value = foldernames.resolve(mailbox, path), foldernames.clean_class(value)
    require_organising(actor, mailbox, path)
    if whole_tree(mailbox).find(path) is None:
        raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": path})
    with transaction.atomic():
        row = FolderClass.objects.select_for_update().filter(mailbox=mailbox, path=path).first()
        old = "" if row is None else row.value
        if value:
            FolderClass.objects.update_or_create(mailbox=mailbox, path=path, defaults={"value": value})
        elif row is not None:
            row.delete()
        if old != value:
            audit.record(actor, "folder.class", mailbox, changes={"class": (old, value)}, folder=path)
    return value


def set_aliases(actor: Actor, mailbox: Mailbox, wanted: Mapping[str, str]) -> dict[str, str]:
    """All other names of an archive's folders: name → folder; those not named go.

    Raises: Forbidden, FolderRefused (a folder is called so, or a name stands for a name).
    """
    _require_own_or_run(actor, mailbox)
    tidy = _tidy_aliases(mailbox, wanted)
    with transaction.atomic():
        old = _write_aliases(mailbox, tidy)
        if old != tidy:
            audit.record(actor, "folder.aliases", mailbox, changes={"aliases": (old, tidy)})
    return tidy


def set_subscription(actor: Actor, mailbox: Mailbox, wanted: Iterable[str]) -> list[str]:
    """All folders that the owner's programs show, in this order. Raises: Forbidden, FolderRefused."""
    _require_own_or_run(actor, mailbox)
    tidy = _tidy_subscription(wanted)
    with transaction.atomic():
        old = _write_subscription(mailbox, tidy)
        if old != tidy:
            audit.record(actor, "folder.subscribe", mailbox, changes={"folders": (old, tidy)})
    return tidy


def set_names(actor: Actor, mailbox: Mailbox, *, aliases: Mapping[str, str], folders: Iterable[str]) -> None:
    """Both at once, as one change: all other names, and all folders that are shown. Raises: as both."""
    _require_own_or_run(actor, mailbox)
    names, shown = _tidy_aliases(mailbox, aliases), _tidy_subscription(folders)
    with transaction.atomic():
        pairs = {
            "aliases": (_write_aliases(mailbox, names), names),
            "folders": (_write_subscription(mailbox, shown), shown),
        }
        changes = {what: (old, new) for what, (old, new) in pairs.items() if old != new}
        if changes:
            action = "folder.aliases" if "aliases" in changes else "folder.subscribe"
            audit.record(actor, action if len(changes) == 1 else "folder.names", mailbox, changes=changes)


def _tidy_aliases(mailbox: Mailbox, wanted: Mapping[str, str]) -> dict[str, str]:
    """Raises: FolderRefused."""
    if len(wanted) > MOST:
        raise FolderRefused(_("At most 1,000 other names."), field="aliases")
    tidy = {foldernames.clean(name): foldernames.clean(path) for name, path in wanted.items()}
    tree = whole_tree(mailbox)
    for name, path in tidy.items():
        if tree.find(name) is not None:
            raise FolderRefused(_("There is a folder “%(folder)s” already.") % {"folder": name}, field="aliases")
        if any(foldernames.lies_in(path, other) for other in tidy):
            raise FolderRefused(_("“%(name)s” stands for another name.") % {"name": name}, field="aliases")
    return tidy


def _write_aliases(mailbox: Mailbox, tidy: dict[str, str]) -> dict[str, str]:
    """What they were."""
    old = dict(FolderAlias.objects.select_for_update().filter(mailbox=mailbox).values_list("alias", "path"))
    FolderAlias.objects.filter(mailbox=mailbox).delete()
    FolderAlias.objects.bulk_create(FolderAlias(mailbox=mailbox, alias=name, path=to) for name, to in tidy.items())
    return old


def _tidy_subscription(wanted: Iterable[str]) -> list[str]:
    """Raises: FolderRefused."""
    tidy = list(dict.fromkeys(foldernames.clean(path) for path in wanted))
    if len(tidy) > MOST:
        raise FolderRefused(_("At most 1,000 folders."), field="folders")
    return tidy


def _write_subscription(mailbox: Mailbox, tidy: list[str]) -> list[str]:
    """What it was."""
    old = list(FolderSubscription.objects.select_for_update().filter(mailbox=mailbox).values_list("path", flat=True))
    FolderSubscription.objects.filter(mailbox=mailbox).delete()
    FolderSubscription.objects.bulk_create(FolderSubscription(mailbox=mailbox, path=path) for path in tidy)
    return old


def _require_own_or_run(actor: Actor, mailbox: Mailbox) -> None:
    actor.require_writing()
    is_owner = mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
    if not is_owner and not administers(actor, mailbox):
        raise Forbidden(f"{actor.label} may not say this of these folders")
