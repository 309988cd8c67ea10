"""Authorities of one's own that outgoing connections believe."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from jobs import trust
from jobs.errors import BadArguments


class AuthorityForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, required=False, help_text=gettext_lazy("Empty: as it calls itself.")
    )
    pem = forms.CharField(
        label=gettext_lazy("Its certificate"),
        max_length=trust.LARGEST,
        help_text=gettext_lazy("PEM, of the authority itself, not of a server."),
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono", "autocomplete": "off"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def authorities(request: ActorRequest) -> HttpResponse:
    rows = trust.list_authorities(request.actor)
    form = AuthorityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = trust.add_authority(request.actor, name=form.cleaned_data["name"], pem=form.cleaned_data["pem"])
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            toast(request, _("What %(name)s signs is trusted from now on.") % {"name": row})
            return redirect_page(request, "jobs:authorities")
    return render_page(request, "jobs/authorities.html", {"rows": rows, "form": form, "now": timezone.now()})


@require_POST
def authority_remove(request: ActorRequest, authority_id: int) -> HttpResponse:
    row = trust.get_authority(request.actor, authority_id)
    name = row.name
    trust.remove_authority(request.actor, row)
    toast(request, _("%(name)s is not trusted any more.") % {"name": name})
    return redirect_page(request, "jobs:authorities")
