"""How strong the password is that somebody is typing: the part of a form beside its field.

Open to strangers, since who follows a link or makes the first administrator has no session yet; it tells nothing but
what was typed and which rules count where the page said, and only so often.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import strength
from accounts.requests import ActorRequest


@csrf_exempt  # changes nothing, and its token may be an old one: somebody who is quick signs in meanwhile
@sensitive_post_parameters()
@never_cache
@login_not_required
@require_POST
def password_strength(request: ActorRequest) -> HttpResponse:
    """Judged anew with every pause in typing; never kept, and never part of an address."""
    typed = request.POST.get(request.POST.get("field", ""), "")[:1000]
    if strength.is_too_often(str(request.META.get("REMOTE_ADDR", ""))):
        return _without(request)
    about = strength.whom(request.POST.get("about", ""))
    with strength.turn() as mine:
        if not mine:
            return _without(request)
        return render(request, "accounts/strength.html", {"judged": strength.judge(typed, about)})


def _without(request: ActorRequest) -> HttpResponse:
    return render(request, "accounts/strength.html", {"judged": None}, status=422)
