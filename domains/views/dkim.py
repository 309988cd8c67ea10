"""The DKIM keys of a domain: what to publish, which one signs, rotating."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from domains.dkim_keys import KeyKind
from domains.errors import DomainsError
from domains.models import DkimKey
from domains.selectors import get_domain
from domains.selectors.relays import get_dkim_key
from domains.services import dkim
from domains.views.frames import domain_page, refusing

KINDS = [(KeyKind.RSA_2048, "RSA 2048"), (KeyKind.RSA_4096, "RSA 4096"), (KeyKind.ED25519, "Ed25519")]


class DkimForm(forms.Form):
    """A new key, or one brought along."""

    selector = forms.CharField(
        label=gettext_lazy("Selector"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("The name of the key in DNS. Empty: one made from the date."),
        widget=forms.TextInput({"spellcheck": "false", "autocapitalize": "none"}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=KINDS,
        help_text=gettext_lazy("RSA 2048 is understood everywhere. Ed25519 is short, and not everybody checks it yet."),
    )
    private_key = forms.CharField(
        label=gettext_lazy("A private key you have"),
        max_length=20_000,
        required=False,
        help_text=gettext_lazy("PEM. Only to bring a key along from another system; else leave it empty."),
        widget=forms.Textarea({"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    activate = forms.BooleanField(
        label=gettext_lazy("Sign with it at once"),
        required=False,
        help_text=gettext_lazy(
            "Only if its record is published already: else receivers find signatures they can't check."
        ),
    )


@require_safe
def domain_dkim(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id)
    found = list(domain.dkim_keys.order_by("state", "-pk"))
    names = list(domain.names.order_by("is_alias", "name").values_list("name", flat=True))
    keys = [{"key": key, "records": dkim.records_of(key, names)} for key in found]
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "keys": keys,
        "may_change": request.actor.has(Right.MANAGE_DKIM, domain),
        "signs": any(key.state == DkimKey.State.ACTIVE for key in found),
    }
    return render_page(request, "domains/domain_dkim.html", context)


@sensitive_post_parameters("private_key")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_create(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_DKIM)
    form = DkimForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            key = dkim.create_key(request.actor, domain, **form.cleaned_data)
            toast(request, _("The key %(selector)s is made. Publish its record.") % {"selector": key.selector})
            return redirect_page(request, "domains:domain-dkim", domain.pk)
    return render_page(request, "domains/dkim_create.html", {"form": form, "domain": domain})


@require_POST
def dkim_rotate(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_DKIM)
    try:
        key = dkim.rotate(request.actor, domain)
        said = _("The key %(selector)s is made. Publish its record, then sign with it.")
        toast(request, said % {"selector": key.selector})
    except DomainsError as error:
        toast(request, str(error), "error")
    return redirect_page(request, "domains:domain-dkim", domain.pk)


@require_POST
def dkim_activate(request: ActorRequest, key_id: int) -> HttpResponse:
    said = _("Mail is signed with %(selector)s from now on. Leave the record of the key before for a week.")
    return _change(request, key_id, lambda key: dkim.activate_key(request.actor, key), said)


@require_POST
def dkim_retire(request: ActorRequest, key_id: int) -> HttpResponse:
    return _change(
        request, key_id, lambda key: dkim.retire_key(request.actor, key), _("%(selector)s doesn't sign any more.")
    )


@require_POST
def dkim_delete(request: ActorRequest, key_id: int) -> HttpResponse:
    return _change(
        request, key_id, lambda key: dkim.delete_key(request.actor, key), _("The key %(selector)s is deleted.")
    )


def _change(request: ActorRequest, key_id: int, act: Callable[[DkimKey], object], said: str) -> HttpResponse:
    key = get_dkim_key(request.actor, key_id)
    domain_id, selector = key.domain_id, key.selector
    try:
        act(key)
        toast(request, said % {"selector": selector})
    except DomainsError as error:
        toast(request, str(error), "error")
    return redirect_page(request, "domains:domain-dkim", domain_id)
