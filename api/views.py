"""Pages for people who write programs: the reference, and the OpenAPI document behind it. Both are the same for
everybody and need no signing in; they say what exists, never what there is.
"""

from __future__ import annotations

import functools
import json

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from api.reference import Reference
from api.v1.routes import door
from config.kit.pages import render_page


@functools.cache
def reference_text() -> Reference:
    """The document as the pages show it."""
    return Reference(door.openapi, settings.PUBLIC_URL)


@functools.cache
def _document() -> bytes:
    return json.dumps(door.openapi, ensure_ascii=False, indent=1).encode()


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(_document(), content_type="application/json")
    response["Cache-Control"] = "public, max-age=300"
    return response


@login_not_required
@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """What there is, by group; `q` searches."""
    query = request.GET.get("q", "").replace("\0", " ").strip()[:200]
    found = reference_text()
    groups = found.find(query) if query else found.groups
    context = {
        "about": found.about,
        "groups": groups,
        "query": query,
        "count": sum(len(group.operations) for group in groups),
        "total": found.count,
        "problems": found.problems(),
    }
    return render_page(request, "api/reference.html", context, partial="operations")


@login_not_required
@require_safe
def reference_group(request: HttpRequest, slug: str) -> HttpResponse:
    """Every operation of one group, with its fields, examples and answers."""
    found = reference_text()
    group = next((each for each in found.groups if each.slug == slug), None)
    if group is None:
        raise Http404("no such group")
    return render_page(request, "api/reference_group.html", {"group": group, "groups": found.groups})
