"""Acting as somebody, and links that sign in once."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import mails, proving, selectors, sessions
from accounts.errors import BadGrant
from accounts.forms import ReasonForm
from accounts.models import OneTimeLink, User
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.services.acting import require_acting, start_acting, stop_acting
from accounts.services.sign_in_links import issue_sign_in_link
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


@require_http_methods(["GET", "HEAD", "POST"])
def act_as(request: ActorRequest, user_id: int) -> HttpResponse:
    """Ask for the reason, then begin."""
    person = selectors.get_user(request.actor, user_id, need=Right.ACT_AS)
    require_acting(request.actor, person)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            until = start_acting(request.actor, person, reason=form.cleaned_data["reason"])
        except BadGrant as error:
            form.add_error("reason", str(error))
        else:
            sessions.begin_acting(request, person, form.cleaned_data["reason"], until)
            return redirect_page(request, "accounts:account")
    context = {"object": person_page(request, person), "person": person, "form": form}
    return render_page(request, "accounts/act_as.html", context)


@require_POST
def act_as_end(request: ActorRequest) -> HttpResponse:
    """Be oneself again; harmless when nobody acts."""
    actor = request.actor
    stop_acting(actor)
    sessions.end_acting(request)
    if actor.acting is None or actor.user is None:
        return redirect_page(request, "accounts:account")
    toast(request, _("You are yourself again."))
    return redirect_page(request, "accounts:user-detail", actor.user.pk)


@never_cache
@require_POST
def user_sign_in_link(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SEND_SIGN_IN_LINKS)
    return _send_or_show(request, person, "accounts:user-detail", person.pk)


@never_cache
@require_POST
def own_sign_in_link(request: ActorRequest) -> HttpResponse:
    """For oneself on another device."""
    person = request.actor.user
    assert person is not None
    return _send_or_show(request, person, "accounts:account")


def _send_or_show(request: ActorRequest, person: User, back: str, *args: object) -> HttpResponse:
    """A link is mailed to its person; where no mail server is, whoever made it sees it, once."""
    if mails.post_link(request.actor, person, OneTimeLink.Kind.SIGN_IN):
        toast(request, _("A link that signs in once is on its way to %(person)s.") % {"person": person.email})
        return redirect_page(request, back, *args)
    made = issue_sign_in_link(request.actor, person)
    context = {"person": person, "link": made.url, "until": made.link.expires_at, "kind": "sign_in"}
    return render_page(request, "accounts/user_link.html", context)
