"""The pages of the dialects: which there are, and one each: settings, last calls, and what a script would get."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from api.dialects import addresses, calls, settings
from api.dialects.forms import OPTION, DialectForm, ScriptForm
from api.dialects.registry import Dialect, Found
from api.dialects.served import BY_NAME, DIALECTS
from api.errors import Invalid
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile

SHOWN_CALLS = 50
SHOWN_FOUND = 500


@require_safe
def dialect_list(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_SERVER)
    rows = [
        {
            "dialect": dialect,
            "state": settings.state(dialect),
            "addresses": addresses.of(dialect),
            "last": next(iter(_last(dialect, 1)), None),
        }
        for dialect in DIALECTS
    ]
    return render_page(request, "api/dialect_list.html", {"rows": rows})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def dialect_detail(request: ActorRequest, name: str) -> HttpResponse:
    dialect, state = _dialect(request, name)
    form = DialectForm(request.POST or None, dialect=dialect, state=state)
    if request.method == "POST" and form.is_valid():
        try:
            settings.set_dialect(
                request.actor,
                dialect,
                is_on=None if state.by_environment else form.cleaned_data["is_on"],
                clients=form.cleaned_data["clients"].replace(",", " ").split(),
                options=form.options(),
                expected=form.cleaned_data["version"],
            )
        except Invalid as error:
            for fault in error.faults:
                field = fault.field if fault.field in form.fields else OPTION + fault.field
                form.add_error(field if field in form.fields else None, fault.detail)
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        else:
            toast(request, _("The settings are saved. They count from the next call on."))
            return redirect_page(request, "dialects:dialect-detail", name)
    return render_page(request, "api/dialect_detail.html", _context(dialect, state, form), partial="calls")


@require_POST
def dialect_check(request: ActorRequest, name: str) -> HttpResponse:
    """Which calls of a script would work; nothing is kept of it."""
    dialect, state = _dialect(request, name)
    form = ScriptForm(request.POST, request.FILES)
    context = _context(dialect, state, DialectForm(None, dialect=dialect, state=state))
    if form.is_valid():
        context |= _judged(list(dialect.find_calls(form.content())))
    context["script_form"] = form
    return render_page(
        request, "api/dialect_detail.html", context, partial="script", status=200 if form.is_valid() else 422
    )


def _dialect(request: ActorRequest, name: str) -> tuple[Dialect, settings.State]:
    dialect = BY_NAME.get(name)
    request.actor.require(Right.MANAGE_SERVER)
    if dialect is None:
        raise Http404("no such dialect")
    return dialect, settings.state(dialect)


def _context(dialect: Dialect, state: settings.State, form: DialectForm) -> dict[str, Any]:
    operations = dialect.operations()
    found = addresses.of(dialect)
    return {
        "dialect": dialect,
        "state": state,
        "form": form,
        "addresses": found,
        "example": dialect.example.replace("{url}", found[-1] if found else ""),
        "port_variable": addresses.port_variable(dialect),
        "calls": _last(dialect, SHOWN_CALLS),
        "operations": operations,
        "working": sum(not each.refused for each in operations),
        "script_form": ScriptForm(),
    }


def _last(dialect: Dialect, most: int) -> list[dict[str, Any]]:
    return [{"call": each, "at": datetime.fromtimestamp(each.at, UTC)} for each in calls.last(dialect.name, most)]


def _judged(found: list[Found]) -> dict[str, Any]:
    """The calls, those that wouldn't work first; the same call once, with how often it stands there."""
    times = Counter((each.text, each.operation) for each in found)
    first: dict[Any, Found] = {}
    for each in found:
        first.setdefault((each.text, each.operation), each)
    found = sorted(first.values(), key=lambda each: (_works(each), each.line))
    rows = [
        {"found": each, "times": times[each.text, each.operation], "works": _works(each)}
        for each in found[:SHOWN_FOUND]
    ]
    return {
        "judged": rows,
        "judged_count": len(found),
        "judged_wrong": sum(not _works(each) for each in found),
    }


def _works(found: Found) -> bool:
    return found.operation is not None and not found.operation.refused
