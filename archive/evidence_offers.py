"""What evidence registers: its settings, its lines in the navigation, its health check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from cryptography import x509
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption
from accounts.optiontypes import OptionType
from accounts.permissions import Right
from archive import engines
from archive.errors import StoreUnavailable
from archive.models import Store, StoreCheckpoint
from archive.selectors import open_stores
from archive.services.access import LONGEST
from archive.services.evidence import TSA_CERTIFICATES, TSA_URL
from archive.store.errors import StoreError
from config.kit import health, nav
from config.kit.health import Report
from config.kit.templatetags.kit import number

LATE = timedelta(days=2)


def register() -> None:
    _define_options()
    nav.register(
        "archive",
        gettext_lazy("Evidence packages"),
        "archive:package-list",
        "document-check",
        Right.READ_OTHERS_MAIL,
        30,
        words=gettext_lazy("export for a court, an auditor, e-discovery"),
        under=("archive:package-add",),
    )
    health.register(gettext_lazy("Evidence"), check_evidence)


def _define_options() -> None:
    group = gettext_lazy("Evidence")
    options.define(
        TSA_URL,
        OptionType.URL,
        levels=options.SERVER_ONLY,
        default="",
        label=gettext_lazy("Time stamping authority"),
        help=gettext_lazy("Its address (RFC 3161); each checkpoint is stamped by it. Empty: no time stamps."),
        group=group,
        restricted=True,
    )
    options.define(
        TSA_CERTIFICATES,
        OptionType.TEXT,
        levels=options.SERVER_ONLY,
        default="",
        label=gettext_lazy("Certificates of the time stamping authority"),
        help=gettext_lazy("Its root and what lies between, in PEM form. Stamps that they don't vouch for are refused."),
        group=group,
        restricted=True,
        guard=_guard_certificates,
    )

    options.define(
        LONGEST,
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=240,
        minimum=5,
        maximum=24 * 60,
        unit=gettext_lazy("minutes"),
        label=gettext_lazy("Somebody's archive is opened for at most"),
        help=gettext_lazy("Whoever opens it says for how long; to read longer they open it anew, with a reason."),
        group=group,
        restricted=True,
    )


def _guard_certificates(actor: Actor, value: object) -> None:
    """Raises: BadOption for what is no certificate."""
    if not value:
        return
    try:
        x509.load_pem_x509_certificates(str(value).encode())
    except ValueError as error:
        raise BadOption(_("These are no certificates in PEM form.")) from error


def check_evidence() -> Iterable[Report]:
    """Whether stores are signed and stamped as they should be; nothing to say before the first one."""
    stores = open_stores()
    if not stores:
        return []
    late, unstamped = [], []
    for store in stores:
        last = StoreCheckpoint.objects.filter(identity=store.identity).defer("stamp").first()
        if _is_late(store, last):
            late.append(store.name)
        if last is not None and last.stamp_problem:
            unstamped.append(f"{store.name}: {last.stamp_problem}")
    count = StoreCheckpoint.objects.filter(identity__in=[store.identity for store in stores]).count()
    facts = {_("Checkpoints"): number(count)}
    if late:
        return [Report("warning", _("not signed for days: %(names)s") % {"names": ", ".join(late)}, facts)]
    if unstamped:
        return [Report("warning", _("no time stamp: %(why)s") % {"why": "; ".join(unstamped)}, facts)]
    return [Report("ok", _("stores are signed"), facts)]


def _is_late(store: Store, last: StoreCheckpoint | None) -> bool:
    """Was something written, and days have gone by without a checkpoint? What can't be opened, its own check names."""
    signed_at = store.created_at if last is None else last.made_at
    if timezone.now() - signed_at < LATE:
        return False
    try:
        written = engines.open_store(store).catalogue.position().sequence
    except (StoreUnavailable, StoreError):
        return False
    return written > (0 if last is None else last.record)
