"""Evidence of a store: its checkpoints, signing now, the server's public key."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import ActorRequest
from archive import evidence_selectors, selectors
from archive.evidence.packages import fingerprint, pem_of
from archive.services.evidence import CheckpointArguments, authority
from archive.tables import CheckpointTable
from archive.views.doors import archive_page
from archive.views.store_frames import store_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import keyset
from jobs.services import submit


@require_safe
@archive_page
def store_evidence(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    page = keyset(request, evidence_selectors.list_checkpoints(request.actor, store), order="-made_at", per_page=50)
    key = evidence_selectors.current_key(request.actor)
    context = {
        "object": store_page(request, store),
        "store": store,
        "table": CheckpointTable(page.rows, request=request, pager=page.pager),
        "last": page.rows[0] if page.rows and not request.GET.get("after") else None,
        "total": page.total,
        "fingerprint": fingerprint(bytes.fromhex(key.public)) if key else "",
        "authority": authority(),
    }
    return render_page(request, "archive/store_evidence.html", context)


@require_POST
@archive_page
def store_sign(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    task = submit(request.actor, "SignStore", CheckpointArguments(store=store.name))
    toast(request, _("Signing “%(name)s” has begun.") % {"name": store.name})
    return redirect_page(request, "jobs:task-detail", task.pk)


@require_safe
@archive_page
def evidence_key(request: ActorRequest) -> HttpResponse:
    """The public keys as a file of PEM blocks, the one in use first."""
    keys = evidence_selectors.list_keys(request.actor)
    text = b"".join(pem_of(bytes.fromhex(key.public)) for key in keys)
    response = HttpResponse(text, content_type="application/x-pem-file")
    response["Content-Disposition"] = 'attachment; filename="postkeep-evidence-keys.pem"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
