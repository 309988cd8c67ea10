"""The server's log: searched, gone through, and how much of it is kept."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit import logbook
from config.kit.pages import redirect_page, render_page, toast
from jobs import logs
from jobs.errors import BadArguments
from jobs.log_forms import LogSearchForm, LogSettingsForm

TONES = {"debug": "none", "info": "none", "warning": "warn", "error": "bad"}
WORDS = {
    "debug": gettext_lazy("Detail"),
    "info": gettext_lazy("Note"),
    "warning": gettext_lazy("Warning"),
    "error": gettext_lazy("Error"),
}


@never_cache
@require_safe
def log(request: ActorRequest) -> HttpResponse:
    """The newest lines that fit; `after` goes on with older ones."""
    request.actor.require(Right.VIEW_LOGS)
    form = LogSearchForm(request.GET or None)
    found = logs.search_log(request.actor, form.wanted(request.GET.get("after", "")[:60]))
    kept = {name: value for name, value in request.GET.items() if name != "after" and value}
    context = {
        "form": form if request.GET else LogSearchForm(),
        "found": found,
        "tones": TONES,
        "words": WORDS,
        "more_url": f"?{urlencode({**kept, 'after': found.more})}" if found.more else "",
        "is_continued": bool(request.GET.get("after")),
        "settings": logbook.read_settings(),
        "may_change": request.actor.has(Right.MANAGE_SERVER),
    }
    return render_page(request, "jobs/log.html", context, partial="lines", status=200)


@require_http_methods(["GET", "HEAD", "POST"])
def log_settings(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_SERVER)
    form = LogSettingsForm(request.POST or None, settings=logbook.read_settings())
    if request.method == "POST" and form.is_valid():
        try:
            logs.set_log_settings(request.actor, **form.changes())
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            toast(request, _("Saved. Every process follows within seconds."))
            return redirect_page(request, "jobs:log")
    held = sum(path.stat().st_size for path in logbook.segments() if path.exists())
    return render_page(request, "jobs/log_settings.html", {"form": form, "held_bytes": held})
