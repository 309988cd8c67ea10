"""The health of a domain in plain words, with what to publish; its history; everything that fails in one's part."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import ActorRequest
from config.kit.list_fields import Main, State, Text, Time
from config.kit.listing import Listing
from config.kit.pages import Level, redirect_page, render_page, toast
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html
from domains.diagnosis.words import Severity
from domains.models import HealthCheck
from domains.selectors import get_domain
from domains.services import health
from domains.views.checks import CHECK_STATES, TONES
from domains.views.frames import domain_page

NAMES = {"MX": "MX", "SPF": "SPF", "DKIM": "DKIM", "DMARC": "DMARC", "MTA_STS": "MTA-STS", "TLS_RPT": "TLS-RPT"}


def _url(check: HealthCheck) -> str:
    if check.relay_id is not None:
        return reverse("domains:relay-detail", args=[check.relay_id])
    return reverse("domains:domain-health", args=[check.domain_id])


def _what(check: HealthCheck) -> str:
    """Which checks failed: MX, DKIM …"""
    if check.relay_id is not None:
        return _("Relay %(name)s") % {"name": check.relay}
    failed = [each.type for each in health.diagnosis_of(check).checks if each.severity is Severity.ERROR]
    return ", ".join(NAMES.get(str(name), str(name)) for name in dict.fromkeys(failed))


def _state(check: Any) -> SafeString:
    return state_html(check.severity, str(dict(CHECK_STATES)[check.severity]), TONES[check.severity])


FAILURES: Listing[HealthCheck] = Listing(
    "domains.failures",
    (
        Main("domain", gettext_lazy("Domain"), path="domain__name", url=_url, words=True),
        Text("what", gettext_lazy("What fails"), show=_what, export=_what, search=False),
        State("state", gettext_lazy("State"), show=_state, choices=CHECK_STATES, search=False),
        Time("checked", gettext_lazy("Checked"), path="performed_at", search=False),
    ),
    caption=gettext_lazy("Failures"),
    first_step=Empty(
        gettext_lazy("Nothing fails"),
        gettext_lazy("Every domain and relay that was checked is as it should be."),
        icon="check-circle",
    ),
)


@require_safe
def failure_list(request: ActorRequest) -> HttpResponseBase:
    return FAILURES.answer(request, health.failures(request.actor), "domains/failure_list.html")


@require_safe
def domain_health(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id)
    past = health.history(domain)
    chosen = next((each for each in past if str(each.pk) == request.GET.get("check")), past[0] if past else None)
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "api_path": f"/api/v1/domains/{domain.pk}/health",
        "check": chosen,
        "label": dict(CHECK_STATES).get(chosen.severity) if chosen else "",
        "tone": TONES.get(chosen.severity, "none") if chosen else "",
        "checks": [_shown(each) for each in health.diagnosis_of(chosen).checks] if chosen else [],
        "history": [(each, dict(CHECK_STATES)[each.severity], TONES[each.severity]) for each in past],
    }
    return render_page(request, "domains/domain_health.html", context)


@require_POST
def domain_check(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id)
    check = health.check_domain(request.actor, domain)
    said: dict[str, tuple[str, Level]] = {
        "ok": (_("Everything is as it should be."), "success"),
        "warning": (_("The domain works; some things could be better."), "warning"),
        "error": (_("Something is wrong. What to publish stands beside it."), "error"),
    }
    text, level = said.get(check.severity, (_("The domain couldn't be checked: DNS doesn't answer."), "warning"))
    toast(request, text, level)
    return redirect_page(request, "domains:domain-health", domain.pk)


def _shown(result: Any) -> dict[str, Any]:
    severity = str(result.severity)
    return {
        "name": NAMES.get(str(result.type), str(result.type)),
        "subject": result.subject,
        "severity": severity,
        "label": dict(CHECK_STATES)[severity],
        "tone": TONES[severity],
        "sentences": [finding.words for finding in result.findings],
        "publish": result.publish,
        "output": result.output,
    }
