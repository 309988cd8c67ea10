"""The scanners: their settings, asking them now, and the list of everything that counts against or for a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from domains.errors import Invalid
from domains.policy import signs as named
from gateway.forms.scanning import ScanningForm
from gateway.judging.scoring.table import GROUPS, SIGNS
from gateway.services import scanner_trial as trials
from gateway.services import scanning


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def scanners(request: ActorRequest) -> HttpResponse:
    row = scanning.get_scanning(request.actor)
    form = ScanningForm(request.POST or None, initial=ScanningForm.initial_of(row))
    if request.method == "POST" and form.is_valid():
        expected = form.cleaned_data["version"] if row._state.db else None
        try:
            scanning.update_scanning(request.actor, form.values(), expected=expected)
        except Invalid as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        else:
            toast(request, _("The scanners are saved. Ask them now to see whether they answer."))
            return redirect_page(request, "gateway:scanners")
    return render_page(request, "gateway/scanners.html", {"form": form, "row": row})


@require_POST
def scanner_trial(request: ActorRequest) -> HttpResponse:
    for state in trials.try_scanners(request.actor):
        name = _("Spam") if state.name == "spam" else _("Viruses")
        said = _("%(name)s: %(text)s") % {"name": name, "text": state.text}
        toast(request, said, "success" if state.ok else "error")
    return redirect_page(request, "gateway:scanners")


@require_safe
def signs(request: ActorRequest) -> HttpResponse:
    """What the built-in scorer and the readers of messages look for, in words."""
    request.actor.require_somewhere(Right.TRACK_MAIL)
    groups = [
        {
            "title": _(title),
            "signs": [
                {"name": name, "points": sign.points, "text": _(sign.text)}
                for name, sign in SIGNS.items()
                if sign.group is group
            ],
        }
        for group, title in GROUPS.items()
    ]
    tables = [
        {"title": _("What makes headers broken"), "signs": _named(named.BAD_HEADERS)},
        {"title": _("What makes an encoding broken"), "signs": _named(named.BAD_ENCODING)},
        {"title": _("What makes advertising"), "signs": _named(named.ADVERT_SIGNS)},
    ]
    return render_page(request, "gateway/signs.html", {"groups": groups, "tables": tables})


def _named(table: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "text": _(text)} for name, text in table.items()]
