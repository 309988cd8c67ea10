"""The directory's sections of the status report: how domains and relays look from outside, and whose mailbox fills."""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.permissions import Right
from config.kit.templatetags.kit import day_text, number
from domains.diagnosis.words import Severity
from domains.models import HealthCheck, Mailbox, Status
from domains.services.health import diagnosis_of
from jobs import reports
from jobs.reports import Asked, Block, Cell, Column, Content, Figure, Figures, Notice, Section, Table, Tone, Words

SHOWN = 10
NEARLY_FULL, FULL = 900, 1000  # permille of the quota
FAILURES_URL = "/directory/failures/"


def register() -> None:
    reports.register(Section("domain-health", gettext_lazy("Domain health"), domain_health, order=80))
    reports.register(Section("mailboxes", gettext_lazy("Mailboxes"), mailboxes, order=90))


def domain_health(asked: Asked) -> Content | None:
    """What the newest checks found, of the domains and relays in the reader's part."""
    if not asked.actor.has_somewhere(Right.VIEW_REPORTS):
        return None
    rows = HealthCheck.objects.visible_to(asked.actor, Right.VIEW_REPORTS).filter(is_latest=True)
    rows = rows.exclude(domain__status__in=(Status.DELETED, Status.PURGED))
    counts = Counter(rows.values_list("severity", flat=True))
    if not counts:
        return Content([Words(_("No domain was checked yet."))], url=FAILURES_URL)
    figures = [
        Figure(_("As they should be"), number(counts["ok"])),
        Figure(_("With hints"), number(counts["warning"]), tone=Tone.WARN if counts["warning"] else Tone.NONE),
        Figure(_("Failing"), number(counts["error"]), tone=Tone.BAD if counts["error"] else Tone.NONE),
        Figure(_("Didn't answer"), number(counts["unknown"])),
    ]
    blocks: list[Block] = [Figures(figures)]
    notices = []
    if failing := counts["error"]:
        failures = rows.filter(severity="error").select_related("domain", "relay").order_by("domain__name", "pk")
        blocks.append(_failures(asked, list(failures[:SHOWN]), failing))
        text = ngettext("%(count)s domain or relay fails.", "%(count)s domains and relays fail.", failing)
        notices.append(Notice(text % {"count": number(failing)}, Tone.BAD, FAILURES_URL))
    return Content(blocks, notices, url=FAILURES_URL)


def _failures(asked: Asked, checks: list[HealthCheck], total: int) -> Table:
    columns = [Column(_("Domain")), Column(_("What fails")), Column(_("Checked"), is_short=True, is_minor=True)]
    rows = [
        [
            Cell(check.domain.display_name, Tone.BAD, _url(check)),
            Cell(_what(check)),
            Cell(day_text(check.performed_at, asked.period.now)),
        ]
        for check in checks
    ]
    return Table("", columns, rows, *_more(total, FAILURES_URL))


def _what(check: HealthCheck) -> str:
    """What is wrong, in the words of the first thing that is."""
    if check.relay is not None:
        return _("Relay %(name)s") % {"name": check.relay}
    failed = [each for each in diagnosis_of(check).checks if each.severity is Severity.ERROR]
    words = list(dict.fromkeys(str(each.words) for each in failed))
    if len(words) < 2:
        return "".join(words)
    more = ngettext("and %(count)s more", "and %(count)s more", len(words) - 1) % {"count": number(len(words) - 1)}
    return f"{words[0]} ({more})"


def _url(check: HealthCheck) -> str:
    if check.relay_id is not None:
        return f"/directory/relays/{check.relay_id}/"
    return f"/directory/domains/{check.domain_id}/health/"


def mailboxes(asked: Asked) -> Content | None:
    """How many there are, how many are new, and which are nearly full."""
    if not asked.actor.has_somewhere(Right.VIEW_REPORTS):
        return None
    rows = Mailbox.objects.visible_to(asked.actor, Right.VIEW_REPORTS).exclude(status=Status.DELETED)
    period = asked.period
    new = rows.filter(created_at__gte=period.since, created_at__lt=period.until).count()
    filling = rows.filter(fill_permille__gte=NEARLY_FULL)
    near = filling.count()
    figures = [
        Figure(_("Mailboxes"), number(rows.count())),
        Figure(_("New in this period"), number(new)),
        Figure(_("Nearly full"), number(near), tone=Tone.WARN if near else Tone.NONE),
    ]
    blocks: list[Block] = [Figures(figures)]
    notices = []
    url = "/directory/users/"
    if near:
        columns = [Column(_("Mailbox")), Column(_("Quota used"), is_number=True)]
        fullest = filling.order_by("-fill_permille", "pk")[:SHOWN]
        cells = [
            [
                Cell(each.address, Tone.BAD if each.fill_permille >= FULL else Tone.WARN, f"{url}{each.pk}/"),
                Cell(f"{number(each.fill_permille // 10)} %"),
            ]
            for each in fullest
        ]
        blocks.append(Table("", columns, cells, *_more(near, url)))
        full = filling.filter(fill_permille__gte=FULL).count()
        if full:
            text = ngettext("%(count)s mailbox is full.", "%(count)s mailboxes are full.", full)
            notices.append(Notice(text % {"count": number(full)}, Tone.WARN, url))
    return Content(blocks, notices, url=url)


def _more(total: int, url: str) -> tuple[str, str]:
    left = total - SHOWN
    if left <= 0:
        return "", ""
    return ngettext("and %(count)s more", "and %(count)s more", left) % {"count": number(left)}, url
