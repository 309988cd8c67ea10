"""Repositories: all of them, what lies in one, one message there and its content."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.pages import redirect_page, render_page, toast
from domains.errors import DomainsError
from gateway.content import DamagedContent
from gateway.forms.queues import ReasonForm, RepositoryForm
from gateway.keeping.clearing import days_kept, expires_at
from gateway.selectors import repositories as selectors
from gateway.services import repositories
from gateway.tables.repositories import STORED
from jobs.bulk import submit_bulk

EDIT = ["GET", "HEAD", "POST"]


@require_safe
def repository_list(request: ActorRequest) -> HttpResponse:
    rows = selectors.list_repositories(request.actor)
    return render_page(request, "gateway/repositories.html", {"rows": rows, "days": days_kept()})


@require_http_methods(EDIT)
def repository_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_QUEUES)
    form = RepositoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = repositories.create_repository(request.actor, form.cleaned_data["name"])
        except DomainsError as error:
            form.add_error("name", str(error))
        else:
            toast(request, _("The repository is made."))
            return redirect_page(request, "gateway:repository", made.pk)
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "gateway/repository_create.html", {"form": form}, status=status)


@require_safe
def repository(request: ActorRequest, repository_id: int) -> HttpResponseBase:
    found = selectors.get_repository(request.actor, repository_id)
    rows = selectors.list_stored(request.actor, found.pk)
    url = reverse("gateway:repository-bulk", args=[found.pk])
    return STORED.answer(
        request, rows, "gateway/repository.html", {"repository": found}, bulk_url=url, within="repository_id"
    )


@require_http_methods(EDIT)
def repository_bulk(request: ActorRequest, repository_id: int) -> HttpResponse:
    found = selectors.get_repository(request.actor, repository_id)
    return answer_bulk(
        request,
        STORED.name,
        back=reverse("gateway:repository", args=[found.pk]),
        submit=partial(submit_bulk, request.actor),
        scope={"repository": found.pk},
        list_label=found.name,
    )


@require_POST
def repository_delete(request: ActorRequest, repository_id: int) -> HttpResponse:
    found = selectors.get_repository(request.actor, repository_id)
    try:
        repositories.delete_repository(request.actor, found)
    except DomainsError as error:
        toast(request, error, "error")
        return redirect_page(request, "gateway:repository", found.pk)
    toast(request, _("The repository is forgotten."))
    return redirect_page(request, "gateway:repositories")


@require_safe
def stored(request: ActorRequest, item_id: int) -> HttpResponse:
    """Envelope and reason; the content takes a reason of its own."""
    item = selectors.get_stored(request.actor, item_id)
    return render_page(
        request,
        "gateway/stored.html",
        {
            "until": expires_at(item.created_at, days_kept()),
            "item": item,
            "may_read": request.actor.has_somewhere(Right.READ_OTHERS_MAIL),
            "form": ReasonForm(),
        },
    )


@require_POST
def stored_read(request: ActorRequest, item_id: int) -> HttpResponseBase:
    """The message as a file."""
    item = selectors.get_stored(request.actor, item_id)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        body = repositories.read_content(request.actor, item, reason=reason)
    except (DomainsError, DamagedContent) as error:
        toast(request, error, "error")
        return redirect_page(request, "gateway:stored", item.pk)
    response = StreamingHttpResponse(body.chunks(), content_type="message/rfc822")
    response["Content-Length"] = str(body.size_bytes)
    response["Content-Disposition"] = f'attachment; filename="{item.key}.eml"'
    response._resource_closers.append(body.close)  # type: ignore[attr-defined]
    return response
