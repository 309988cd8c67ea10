"""The monitoring elements: what programs can watch, those of one's own, and how a program is set up to read them."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.monitoring import CUSTOM
from config.kit.pages import redirect_page, render_page, toast
from jobs import monitoring
from jobs.errors import BadArguments


class ElementForm(forms.Form):
    """An element of one's own."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("Small letters, digits and underscores, such as queue_length."),
        widget=forms.TextInput({"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )
    value = forms.FloatField(label=gettext_lazy("Value"), initial=0)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def elements(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.VIEW_HEALTH if request.method != "POST" else Right.MANAGE_SERVER)
    form = ElementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = monitoring.set_element(request.actor, form.cleaned_data["name"], form.cleaned_data["value"])
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            toast(request, _("%(name)s is set.") % {"name": row})
            return redirect_page(request, "jobs:monitoring")
    found = monitoring.list_elements(request.actor)
    context = {
        "readings": found,
        "own": [each for each in found if each.element.name.startswith(f"{CUSTOM}.")],
        "form": form,
        "may_change": request.actor.has(Right.MANAGE_SERVER),
        "address": settings.PUBLIC_URL.split("://", 1)[-1],
        "scheme": "https" if settings.IS_HTTPS else "http",
    }
    return render_page(request, "jobs/monitoring.html", context, partial="elements")


@require_POST
def element_delete(request: ActorRequest, name: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_SERVER)
    try:
        monitoring.delete_element(request.actor, name)
    except BadArguments as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("It is forgotten."))
    return redirect_page(request, "jobs:monitoring")
