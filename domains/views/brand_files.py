"""The files of brands that every browser may read, also before anybody signed in: logos and stylesheets.

Their addresses change with their content, so they may be kept for ever. A stylesheet is made from the colour in its
address and asks nobody; a logo is found by its hash. Neither tells whose it is.
"""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from domains import brand_colours, brands

_YEAR_S = 365 * 86_400
_LOGO = re.compile(r"([0-9a-f]{64})\.(png|jpg|webp)", re.ASCII)
_SHEET = re.compile(r"([0-9a-f]{6})-[0-9a-f]{12}\.css", re.ASCII)


@login_not_required
@require_safe
def logo(request: HttpRequest, name: str) -> HttpResponse:
    given = _LOGO.fullmatch(name)
    found = brands.find_logo(given[1]) if given else None
    if given is None or found is None or brands.ENDINGS[found.kind] != given[2]:
        raise Http404("no such logo")
    return _answer(bytes(found.content), found.kind)


@login_not_required
@require_safe
def stylesheet(request: HttpRequest, name: str) -> HttpResponse:
    given = _SHEET.fullmatch(name)
    if given is None or brand_colours.file_name(f"#{given[1]}") != name:
        raise Http404("no such stylesheet")
    return _answer(brand_colours.stylesheet(f"#{given[1]}"), "text/css; charset=utf-8")


def _answer(content: bytes, kind: str) -> HttpResponse:
    """nosniff and the policy come from the middleware; a picture opened by itself can do nothing either."""
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Cache-Control": f"public, max-age={_YEAR_S}, immutable",
            "Content-Disposition": "inline",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
