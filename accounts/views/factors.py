"""A person's own second factors: setting them up, naming and removing them, recovery codes, trusted devices."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import half_way, links
from accounts.errors import BadGrant, FactorDemanded, NameTaken, TooManyAttempts, WrongCode
from accounts.forms.factors import CodeForm, PasskeyForm
from accounts.gates import while_setting_up
from accounts.requests import ActorRequest
from accounts.selectors.factors import get_own_device, get_own_factors, get_own_passkey
from accounts.services import authenticators, passkeys, recovery_codes, second_factors, trusted_devices
from accounts.wording import wait_text
from config.kit.pages import redirect_page, render_page, toast

OWN = "accounts:own-factors"


@while_setting_up
@never_cache
@require_safe
def own_factors(request: ActorRequest) -> HttpResponse:
    context = {
        "factors": get_own_factors(request.actor),
        "may_change": request.actor.in_person,
        "passkeys_possible": passkeys.is_possible(),
    }
    return render_page(request, "accounts/own_factors.html", context)


# --- an authenticator app ---------------------------------------------------------------------------------------------


@while_setting_up
@require_POST
def app_begin(request: ActorRequest) -> HttpResponse:
    authenticators.begin_app(request.actor)
    return redirect_page(request, "accounts:app-set-up")


@sensitive_post_parameters("code")
@while_setting_up
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def app_set_up(request: ActorRequest) -> HttpResponse:
    """The QR code, and the code that confirms it."""
    set_up = authenticators.app_in_set_up(request.actor)
    if set_up is None:
        return redirect_page(request, OWN)
    form, status = CodeForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            codes = authenticators.confirm_app(request.actor, code=form.cleaned_data["code"])
        except WrongCode:
            form.add_error("code", _("This isn't the code that the app shows now. Is the phone's clock right?"))
        except TooManyAttempts as error:
            form.add_error("code", wait_text(error.retry_after_s))
            status = 429
        else:
            return _added(request, codes, _("Your app is set up. We ask for its code when you sign in."))
    return render_page(request, "accounts/app_set_up.html", {"form": form, "set_up": set_up}, status=status)


@while_setting_up
@require_POST
def app_remove(request: ActorRequest) -> HttpResponse:
    try:
        authenticators.remove_app(request.actor)
        toast(request, _("The app's codes open nothing any more."))
    except FactorDemanded:
        _say_demanded(request)
    return redirect_page(request, OWN)


# --- passkeys ---------------------------------------------------------------------------------------------------------


@while_setting_up
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_add(request: ActorRequest) -> HttpResponse:
    """Its name, and the browser's own dialogue, which the page's script opens."""
    second_factors.require_own(request.actor)
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer, challenge = str(request.POST.get("answer", "")), half_way.take_challenge(request)
        name = form.cleaned_data["name"]
        try:
            codes = passkeys.add_passkey(request.actor, name=name, answer=answer, challenge=challenge)
        except WrongCode:
            form.add_error(None, _("The browser made no passkey for this page. Try again."))
        except (BadGrant, NameTaken) as error:
            form.add_error("name", str(error))
        else:
            return _added(request, codes, _("“%(name)s” is set up.") % {"name": name})
    question = passkeys.ask_for_new(request.actor) if passkeys.is_possible() else None
    if question is not None:
        half_way.keep_challenge(request, question.challenge)
    context = {"form": form, "question": question.options if question else "", "host": passkeys.host()}
    return render_page(request, "accounts/passkey_add.html", context)


@while_setting_up
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_rename(request: ActorRequest, passkey_id: int) -> HttpResponse:
    passkey = get_own_passkey(request.actor, passkey_id)
    second_factors.require_own(request.actor)
    form = PasskeyForm(request.POST or None, initial={"name": passkey.name})
    if request.method == "POST" and form.is_valid():
        try:
            passkeys.rename_passkey(request.actor, passkey, name=form.cleaned_data["name"])
            toast(request, _("Saved."))
            return redirect_page(request, OWN)
        except (BadGrant, NameTaken) as error:
            form.add_error("name", str(error))
    return render_page(request, "accounts/passkey_rename.html", {"form": form, "passkey": passkey})


@while_setting_up
@require_POST
def passkey_remove(request: ActorRequest, passkey_id: int) -> HttpResponse:
    passkey = get_own_passkey(request.actor, passkey_id)
    try:
        passkeys.remove_passkey(request.actor, passkey)
        toast(request, _("“%(name)s” opens nothing any more.") % {"name": passkey.name})
    except FactorDemanded:
        _say_demanded(request)
    return redirect_page(request, OWN)


# --- recovery codes, trusted devices ----------------------------------------------------------------------------------


@while_setting_up
@never_cache
@require_POST
def recovery_codes_renew(request: ActorRequest) -> HttpResponse:
    """The codes are shown on the answer to the POST, once."""
    return _show_codes(request, recovery_codes.renew_codes(request.actor))


@require_POST
def trusted_device_revoke(request: ActorRequest, device_id: int) -> HttpResponse:
    trusted_devices.revoke_device(request.actor, get_own_device(request.actor, device_id))
    toast(request, _("That device is asked for the second step again."))
    return redirect_page(request, OWN)


@require_POST
def trusted_devices_revoke(request: ActorRequest) -> HttpResponse:
    person = request.actor.user
    assert person is not None
    trusted_devices.revoke_devices(request.actor, person)
    toast(request, _("Every device is asked for the second step again."))
    return redirect_page(request, OWN)


def _added(request: ActorRequest, codes: list[str], said: str) -> HttpResponse:
    toast(request, said)
    return _show_codes(request, codes) if codes else redirect_page(request, OWN)


def _show_codes(request: ActorRequest, codes: list[str]) -> HttpResponse:
    person = request.actor.user
    assert person is not None
    lines = [_("Recovery codes of %(person)s") % {"person": person.email}, links.public_url(), "", *codes, ""]
    file = f"data:text/plain;charset=utf-8,{quote(chr(10).join(lines))}"
    return render_page(request, "accounts/recovery_codes.html", {"codes": codes, "file": file, "person": person})


def _say_demanded(request: ActorRequest) -> None:
    toast(request, _("You must have a second factor. Set up another one before you remove this one."), "error")
