"""The configuration as a file: writing it, and importing one after its differences were shown."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import proving
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from config.kit.sealed import SealedError, seal, unseal_bytes
from jobs.configuration import files
from jobs.configuration.parts import all_parts
from jobs.configuration.services import (
    Change,
    Diff,
    compare,
    export_configuration,
    import_configuration,
    require_whole,
)
from jobs.errors import BadArguments
from jobs.forms.configuration import ExportForm, ImportForm

KEPT_S = 3_600
SHOWN = 500
UNSET_NAMED = 12
PURPOSE = "configuration to import"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def configuration(request: ActorRequest) -> HttpResponse:
    """GET: both forms. POST: the file to keep."""
    require_whole(request.actor)
    proving.require_recent(request.actor)  # before the forms, so that nothing typed is lost
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data
            text = export_configuration(request.actor, parts=given["parts"], passphrase=given["passphrase"])
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            response = HttpResponse(text, content_type="application/json; charset=utf-8")
            name = f"postkeep-configuration-{timezone.now():%Y-%m-%d}.json"
            response["Content-Disposition"] = f'attachment; filename="{name}"'
            return response
    context = {"form": form, "import_form": ImportForm()}
    return render_page(request, "jobs/configuration.html", context)


@never_cache
@require_POST
def configuration_import(request: ActorRequest) -> HttpResponse:
    """Look at a file: what it would change. Nothing is changed yet."""
    require_whole(request.actor)
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        given = form.cleaned_data
        try:
            text, passphrase = form.text(), given["passphrase"]
            wanted = files.read(text, passphrase)
            diff = compare(request.actor, wanted, removes=given["removes"])
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else "file", str(error))
        else:
            token = _keep(request, text, passphrase, given["removes"])
            return _show(request, diff, token, sorted(wanted))
    context = {"form": ExportForm(), "import_form": form}
    return render_page(request, "jobs/configuration.html", context, status=422)


@never_cache
@require_POST
def configuration_apply(request: ActorRequest) -> HttpResponse:
    """Do what was looked at, or look at the chosen parts again."""
    require_whole(request.actor)
    token = request.POST.get("token", "")
    text, passphrase, removes = _kept(request, token)
    wanted = files.read(text, passphrase)
    chosen = [name for name in request.POST.getlist("parts") if name in wanted]
    if request.POST.get("do") != "import":
        return _show(request, compare(request.actor, wanted, parts=chosen, removes=removes), token, chosen)
    try:
        diff = import_configuration(
            request.actor, wanted, parts=chosen, removes=removes, expected=request.POST.get("fingerprint", "")
        )
    except BadArguments as error:
        diff = compare(request.actor, wanted, parts=chosen, removes=removes)
        return _show(request, diff, token, chosen, problem=str(error))
    cache.delete(_key(request, token))
    numbers = diff.numbers
    if diff.unset:
        toast(request, _remaining(diff), "warning")
    toast(
        request,
        _("Imported: %(add)d added, %(change)d changed, %(remove)d removed.") % numbers,
    )
    return redirect_page(request, "jobs:configuration")


def _show(request: ActorRequest, diff: Diff, token: str, chosen: list[str], *, problem: str = "") -> HttpResponse:
    text, passphrase, removes = _kept(request, token)
    names = files.parse(text)["parts"]
    groups: dict[str, dict[str, Any]] = {}
    shown = 0
    for change in diff.changes:
        group = groups.setdefault(change.part.name, {"label": change.part.label, "changes": [], "stays": 0})
        if change.action == "stay":
            group["stays"] += 1
        elif shown < SHOWN:
            shown += 1
            group["changes"].append(change)
    context: dict[str, Any] = {
        "diff": diff,
        "numbers": diff.numbers,
        "groups": list(groups.values()),
        "is_cut": sum(map(_counts, diff.changes)) > SHOWN,
        "token": token,
        "parts": [(part.name, part.label, part.name in chosen) for part in all_parts() if part.name in names],
        "problem": problem,
        "removes": removes,
        "has_passphrase": bool(passphrase),
    }
    return render_page(request, "jobs/configuration_import.html", context, status=422 if problem else None)


def _remaining(diff: Diff) -> str:
    """The secrets to set, by name, the first few."""
    names = [f"{each.part.label}: {each.key}" for each in diff.unset]
    first = list(dict.fromkeys(names))
    text = "; ".join(first[:UNSET_NAMED]) + ("; …" if len(first) > UNSET_NAMED else "")
    return _("Secrets that the file didn't say remain to be set: %(names)s") % {"names": text}


def _counts(change: Change) -> bool:
    return change.action != "stay"


def _keep(request: ActorRequest, text: bytes, passphrase: str, removes: bool) -> str:
    """The file until it is imported, an hour at most: sealed, for this person alone."""
    token = secrets.token_urlsafe(24)
    kept = {"text": seal(text, purpose=PURPOSE), "passphrase": seal(passphrase, purpose=PURPOSE), "removes": removes}
    cache.set(_key(request, token), kept, KEPT_S)
    return token


def _kept(request: ActorRequest, token: str) -> tuple[bytes, str, bool]:
    """Raises: Http404, where it is too long ago."""
    kept = cache.get(_key(request, token))
    if kept is None:
        raise Http404("the file is not kept any more")
    try:
        text = unseal_bytes(kept["text"], purpose=PURPOSE)
        passphrase = unseal_bytes(kept["passphrase"], purpose=PURPOSE).decode()
    except SealedError:
        raise Http404("the file is not kept any more") from None
    return text, passphrase, kept["removes"]


def _key(request: ActorRequest, token: str) -> str:
    who = request.actor.user.pk if request.actor.user is not None else 0
    return f"configuration:{who}:{token[:64]}"
