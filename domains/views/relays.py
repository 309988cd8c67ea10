"""Relays: the list over all domains, those of one domain, one relay with its tries, making and changing one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.list_fields import Main, Number, State, Text, YesNo
from config.kit.listing import Listing
from config.kit.objects import Danger, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html
from domains.errors import DomainsError
from domains.forms.relays import RelayForm
from domains.models import Domain, Relay
from domains.selectors import get_domain
from domains.selectors import relays as selectors
from domains.services import checks, relays
from domains.views.checks import CHECK_STATES, TONES, shown_check
from domains.views.frames import domain_page, refusing


def _checked(relay: Any) -> str:
    return relay.latest_checks[0].severity if relay.latest_checks else "never"


def _checked_state(relay: Any) -> SafeString:
    severity = _checked(relay)
    return state_html(severity, str(dict(CHECK_STATES)[severity]), TONES[severity])


_COLUMNS = (
    Main("name", gettext_lazy("Name"), url="domains:relay-detail", words=True, sort=True),
    Text("server", gettext_lazy("Server"), path="transport_dest", words=True, mono=True, long=True),
    Number("port", gettext_lazy("Port"), path="transport_port"),
    YesNo("default", gettext_lazy("Default"), path="is_default"),
    State("state", gettext_lazy("Last try"), choices=CHECK_STATES, show=_checked_state, export=_checked, search=False),
)
_NONE = Empty(
    gettext_lazy("No relays yet"),
    gettext_lazy("A relay is the server to which a domain's mail goes on. Relays are made on a domain's page."),
    icon="server",
)
_NONE_ANYWHERE = replace(
    _NONE, action="domains:domain-list", action_label=gettext_lazy("To the domains"), right=Right.MANAGE_RELAYS
)
RELAYS: Listing[Relay] = Listing(
    "domains.relays",
    (*_COLUMNS, Text("domain", gettext_lazy("Domain"), path="domain__name", words=True)),
    sort="name",
    caption=gettext_lazy("Relays"),
    first_step=_NONE_ANYWHERE,
)
DOMAIN_RELAYS: Listing[Relay] = Listing(
    "domains.domain-relays", _COLUMNS, sort="name", caption=gettext_lazy("Relays"), first_step=_NONE
)


@require_safe
def relay_list(request: ActorRequest) -> HttpResponseBase:
    return RELAYS.answer(request, selectors.list_relays(request.actor), "domains/relay_list.html")


@require_safe
def domain_relays(request: ActorRequest, domain_id: int) -> HttpResponseBase:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_RELAYS)
    rows = selectors.list_relays_of(request.actor, domain)
    context = {"object": domain_page(request, domain), "domain": domain}
    return DOMAIN_RELAYS.answer(request, rows, "domains/domain_relays.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def relay_create(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_RELAYS)
    form = RelayForm(request.POST or None, initial={"auth_type": "local"}, is_new=True)
    tried: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            tried = _try_unsaved(request, domain, form)
        else:
            with refusing(form):
                relay = relays.create_relay(request.actor, domain, form.values())
                toast(request, _("The relay %(name)s is made.") % {"name": relay})
                return redirect_page(request, "domains:relay-detail", relay.pk)
    context = {"form": form, "domain": domain, "tried": tried}
    return render_page(request, "domains/relay_create.html", context)


@require_safe
def relay_detail(request: ActorRequest, relay_id: int) -> HttpResponse:
    relay = selectors.get_relay(request.actor, relay_id)
    history = [shown_check(request.actor, check) for check in selectors.list_checks(relay)]
    count = relay.mailboxes.count()
    context = {
        "relay": relay,
        "values": _values(relay),
        "latest": history[0] if history else None,
        "history": history,
        "danger": Danger(
            _("Delete this relay"),
            _("The relay %(name)s and its stored passwords are forgotten.") % {"name": relay},
            _("Delete relay"),
            reverse("domains:relay-delete", args=[relay.pk]),
            numbers=[(count, ngettext("mailbox has it", "mailboxes have it", count))],
        ),
    }
    return render_page(request, "domains/relay_detail.html", context, partial="live")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def relay_edit(request: ActorRequest, relay_id: int) -> HttpResponse:
    relay = selectors.get_relay(request.actor, relay_id)
    form = RelayForm(request.POST or None, initial=RelayForm.initial_of(relay))
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            relays.update_relay(request.actor, relay, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The relay %(name)s is changed.") % {"name": relay})
            return redirect_page(request, "domains:relay-detail", relay.pk)
    return render_page(request, "domains/relay_edit.html", {"form": form, "relay": relay})


@require_POST
def relay_try(request: ActorRequest, relay_id: int) -> HttpResponse:
    relay = selectors.get_relay(request.actor, relay_id)
    check = checks.try_relay(request.actor, relay)
    said = {"ok": _("The relay answers as it should."), "warning": _("The relay answers, with a remark.")}
    level = {"ok": "success", "warning": "warning"}.get(check.severity, "error")
    toast(request, said.get(check.severity, _("The relay can't be used like this.")), level)  # type: ignore[arg-type]
    return redirect_page(request, "domains:relay-detail", relay.pk)


@require_POST
def relay_delete(request: ActorRequest, relay_id: int) -> HttpResponse:
    relay = selectors.get_relay(request.actor, relay_id)
    domain_id = relay.domain_id
    try:
        relays.delete_relay(request.actor, relay)
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:relay-detail", relay_id)
    toast(request, _("The relay %(name)s is deleted.") % {"name": relay})
    return redirect_page(request, "domains:domain-relays", domain_id)


def _try_unsaved(request: ActorRequest, domain: Domain, form: RelayForm) -> dict[str, Any]:
    with refusing(form):
        return {"results": list(checks.try_values(request.actor, domain, form.values()).values())}
    return {}


def _values(relay: Relay) -> list[ShownValue]:
    stored = _("stored")
    fallback = f"{relay.fallback_dest}:{relay.fallback_port or 25}" if relay.fallback_dest else ""
    where = str(relay.auth_data.get("host") or relay.auth_data.get("issuerUri") or "")
    return [
        ShownValue(_("Server"), f"{relay.transport_dest}:{relay.transport_port}", css="mono"),
        ShownValue(_("Protocol"), relay.get_transport_type_display()),
        ShownValue(_("Default relay of the domain"), _("Yes") if relay.is_default else _("No")),
        ShownValue(_("Second server"), fallback, css="mono"),
        ShownValue(_("User name"), relay.username, css="mono"),
        ShownValue(_("Password"), stored if relay.password else ""),
        ShownValue(_("Passwords of people are checked"), relay.get_auth_type_display()),
        ShownValue(_("Server of that"), where, css="mono"),
        ShownValue(_("Remediation"), relay.get_api_type_display() if relay.api_type else ""),
        ShownValue(_("Mailboxes that have it"), relay.mailboxes.count()),
    ]
