"""Retention: the policies in their order, one of them with a preview in numbers, certificates, compliance."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import keeping_commands
from archive.errors import BadPolicy
from archive.keeping import exchange
from archive.keeping.wording import shortening_lines
from archive.keeping_forms import ComplianceForm, PolicyForm
from archive.models import DeletionCertificate, RetentionPolicy
from archive.services import compliance, retention_policies, retention_preview
from archive.views.doors import sent
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import services as tasks
from jobs import two_people
from jobs.commands import NoArguments
from jobs.views.approvals import ask_and_answer

CERTIFICATES_SHOWN = 50


@require_safe
def retention(request: ActorRequest) -> HttpResponse:
    """The policies as they count, what was deleted by them, and what compliance says."""
    request.actor.require(Right.MANAGE_RETENTION)
    context = {
        "policies": retention_policies.list_policies(),
        "certificates": DeletionCertificate.objects.exclude(ended_at=None)[:CERTIFICATES_SHOWN],
        "compliance": compliance.get_compliance(request.actor),
        "may_delete": request.actor.has(Right.DELETE_MAIL),
    }
    return render_page(request, "archive/retention.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def policy_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_RETENTION)
    return _policy_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: ActorRequest, policy_id: int) -> HttpResponse:
    request.actor.require(Right.MANAGE_RETENTION)
    return _policy_page(request, _policy(policy_id))


@require_http_methods(["GET", "HEAD", "POST"])
def policy_delete(request: ActorRequest, policy_id: int) -> HttpResponse:
    request.actor.require(Right.MANAGE_RETENTION)
    policy = _policy(policy_id)
    values = [retention_policies.as_values(row) for row in retention_policies.list_policies() if row.pk != policy.pk]
    form = PolicyForm(sent(request))
    form.fields = {"reason": form.fields["reason"]}
    if request.method == "POST" and form.is_valid():
        answer = _save(request, form, values, None)
        if answer is not None:
            return answer
    context = {"policy": policy, "form": form, **_preview(form, values)}
    return render_page(request, "archive/policy_delete.html", context)


@require_POST
def retention_process(request: ActorRequest) -> HttpResponse:
    """Delete what is due now, as a task."""
    request.actor.require(Right.MANAGE_RETENTION)
    task = tasks.submit(request.actor, "ProcessRetentionPolicies", NoArguments())
    return redirect_page(request, "jobs:task-detail", task.pk)


@require_safe
def certificate(request: ActorRequest, certificate_id: int) -> HttpResponseBase:
    """The document itself."""
    request.actor.require(Right.MANAGE_RETENTION)
    found = DeletionCertificate.objects.filter(pk=certificate_id).exclude(ended_at=None).first()
    if found is None or not found.path.is_file():
        raise Http404("no such certificate")
    response = FileResponse(found.path.open("rb"), as_attachment=True, filename=found.path.name)
    response["Content-Type"] = "application/x-ndjson"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def compliance_edit(request: ActorRequest) -> HttpResponse:
    row = compliance.get_compliance(request.actor)
    initial = {name: getattr(row, name) for name in ComplianceForm.base_fields if name != "reason"}
    form = ComplianceForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "reason"}
        needed = two_people.needed(request.actor, Right.MANAGE_RETENTION, None)
        if compliance.releases(row, values) and needed:
            config = exchange.compliance_as_json({"logged_activities": row.logged_activities, **values})
            arguments = keeping_commands.ConfigurationArguments(config)
            answer = ask_and_answer(request, form, compliance.COMMAND, arguments)
            if answer is not None:
                return answer
        else:
            compliance.set_compliance(request.actor, values)
            toast(request, _("Saved."))
            return redirect_page(request, "archive:retention")
    return render_page(request, "archive/compliance_edit.html", {"form": form})


def _policy(policy_id: int) -> RetentionPolicy:
    found = RetentionPolicy.objects.filter(pk=policy_id).first()
    if found is None:
        raise Http404("no such policy")
    return found


def _policy_page(request: ActorRequest, policy: RetentionPolicy | None) -> HttpResponse:
    """GET shows the form; POST previews, and saves what was previewed (`save`)."""
    rows = retention_policies.list_policies()
    form = PolicyForm(sent(request), initial=_initial(policy, rows))
    shown: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        values = _arranged(form, policy, rows)
        if "save" in request.POST:
            answer = _save(request, form, values, form.cleaned_data["seen"])
            if answer is not None:
                return answer
        shown = _preview(form, values)
    context = {"policy": policy, "form": form, **shown}
    template = "archive/policy_create.html" if policy is None else "archive/policy_edit.html"
    return render_page(request, template, context)


def _initial(policy: RetentionPolicy | None, rows: list[RetentionPolicy]) -> dict[str, Any]:
    seen = retention_policies.fingerprint(rows)
    if policy is None:
        return {"position": len(rows) + 1, "seen": seen}
    values = {name: getattr(policy, name) for name in PolicyForm.base_fields if hasattr(policy, name)}
    texts = {"included": "\n".join(policy.included or []), "excluded": "\n".join(policy.excluded)}
    return values | texts | {"seen": seen}


def _arranged(form: PolicyForm, policy: RetentionPolicy | None, rows: list[RetentionPolicy]) -> list[dict[str, Any]]:
    """All policies with this one as the form says, at its place."""
    others = [retention_policies.as_values(row) for row in rows if policy is None or row.pk != policy.pk]
    mine = form.values() | {"id": 0 if policy is None else policy.pk, "position": 0}
    at = max(0, min(form.cleaned_data["position"] - 1, len(others)))
    return [*others[:at], mine, *others[at:]]


def _preview(form: Any, values: list[dict[str, Any]]) -> dict[str, Any]:
    """What it would mean, in numbers; what is wrong stands on the form."""
    try:
        new = retention_policies.check(values)
        weaker = retention_policies.weakenings(new)
    except BadPolicy as error:
        _refuse(form, error)
        return {}
    return {"preview": retention_preview.preview(new), "weaker": shortening_lines(weaker)}


def _save(request: ActorRequest, form: Any, values: list[dict[str, Any]], seen: str | None) -> HttpResponse | None:
    try:
        new = retention_policies.check(values)
        weaker = retention_policies.weakenings(new)
        if weaker and two_people.needed(request.actor, Right.MANAGE_RETENTION, None):
            numbered = [each | {"position": at + 1} for at, each in enumerate(values)]
            config = [exchange.policy_as_json(each) for each in numbered]
            locked = [each["name"] for each in values if each["locked"]]
            arguments = keeping_commands.PoliciesArguments(config, locked)
            return ask_and_answer(request, form, retention_policies.COMMAND, arguments)
        retention_policies.set_policies(request.actor, values, expected=seen)
        task = tasks.submit(request.actor, "FollowRetention", NoArguments())
    except BadPolicy as error:
        _refuse(form, error)
        return None
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
        return None
    toast(request, _("Saved. From when each message may go is worked out again now."))
    return redirect_page(request, "jobs:task-detail", task.pk)


def _refuse(form: Any, error: BadPolicy) -> None:
    name = error.field.rpartition(".")[2]
    form.add_error(name if name in form.fields else None, str(error))
