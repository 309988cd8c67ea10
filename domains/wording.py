"""What the directory's audit events say to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import sentences as registered
from accounts.models import AuditEvent
from config.kit.templatetags.kit import number, size_text
from domains.limits import UNLIMITED
from domains.services.quotas import Quota


@dataclass(frozen=True)
class HistoryLine:
    """One event of a history tab."""

    at: datetime
    by: str
    text: str
    changes: list[str]
    reason: str


def event_text(action: str) -> str:
    """A sentence for what was done; what has none is shown by its name."""
    sentences = {
        "mailbox.create": _("Made"),
        "mailbox.edit": _("Changed"),
        "mailbox.rename": _("Another address"),
        "mailbox.set_status": _("State changed"),
        "mailbox.delete": _("Deleted"),
        "mailbox.restore": _("Restored"),
        "mailbox.purge": _("Purged"),
        "mailbox.set_quota": _("Quota set"),
        "mailbox.set_forwarding": _("Forwarding set"),
        "mailbox.add_alias": _("Alias added"),
        "mailbox.remove_alias": _("Alias removed"),
        "alias.create": _("Made"),
        "alias.delete": _("Deleted"),
        "alias.edit": _("Changed"),
        "group.create": _("Made"),
        "group.edit": _("Changed"),
        "group.rename": _("Another address"),
        "group.delete": _("Deleted"),
        "group.add_members": _("Members added"),
        "group.remove_members": _("Members removed"),
        "group.set_senders": _("Allowed senders changed"),
        "forward.create": _("Made"),
        "forward.edit": _("Changed"),
        "forward.rename": _("Another address"),
        "forward.delete": _("Deleted"),
        "forward.add_targets": _("Targets added"),
        "forward.remove_targets": _("Targets removed"),
        "user.edit": _("Person changed"),
        "user.rename": _("Signs in with another address"),
    }
    return sentences.get(action) or str(registered.of(action))


def history_lines(events: Iterable[AuditEvent]) -> list[HistoryLine]:
    """Events as a history tab shows them: who, when, what, and from what to what."""
    return [
        HistoryLine(event.at, event.actor_label, event_text(event.action), _changes(event), event.reason)
        for event in events
    ]


def _changes(event: AuditEvent) -> list[str]:
    found = registered.changes(event.changes)
    if "count" in event.details:
        count = int(event.details["count"])
        found.append(ngettext("%(count)s address", "%(count)s addresses", count) % {"count": number(count)})
    found += [str(event.details[key]) for key in ("alias", "mailbox") if key in event.details]
    return found


@dataclass(frozen=True)
class QuotaLine:
    """One kind of quota in words: what each level says, what counts, what is used."""

    label: str
    server: str
    domain: str
    mailbox: str
    computed: str
    used: str


def quota_lines(found: Mapping[str, Quota]) -> list[QuotaLine]:
    """The table of a mailbox's quotas."""
    labels = {"size": _("Size"), "count": _("Messages"), "sieve": _("Sieve scripts")}
    return [_quota_line(labels[kind], quota, is_size=kind != "count") for kind, quota in found.items()]


def _quota_line(label: str, quota: Quota, *, is_size: bool) -> QuotaLine:
    def said(value: int | None) -> str:
        if value is None:
            return "–"
        if value == UNLIMITED:
            return _("unlimited")
        return size_text(value) if is_size else number(value)

    ratio = quota.ratio
    used = size_text(quota.used) if is_size else number(quota.used)
    shown = used if ratio is None else f"{used} ({number(int(ratio * 100))} %)"
    return QuotaLine(
        label, said(quota.server), said(quota.domain), said(quota.mailbox), said(quota.computed.value), shown
    )
