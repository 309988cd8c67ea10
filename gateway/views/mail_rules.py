"""Mail rules: of oneself, of a mailbox, a domain, the server; as rules of a form and as scripts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.errors import DomainsError
from domains.selectors import mailbox_of
from domains.services import quotas
from domains.views.frames import domain_page, mailbox_page, refusing
from gateway.forms.mail_rules import MailRuleForm, RuleSettingsForm, ScriptForm
from gateway.models import SieveScript
from gateway.rule_layers import rule_settings
from gateway.selectors.mail_rules import Place, get_place, get_script, list_scripts
from gateway.services.mail_rules import scripts, simple
from gateway.services.mail_rules.away import note_of
from gateway.sieve.simple import Rule, in_order
from gateway.views.rule_words import shown_rules

EDIT = ["GET", "HEAD", "POST"]


def frame(request: ActorRequest, place: Place) -> dict[str, Any]:
    """What every page of a place shares: its object page, or a page of its own."""
    found: dict[str, Any] = {
        "place": place,
        "frame": "base.html",
        "home": reverse("gateway:mailrules", args=[place.word]),
    }
    if place.domain is not None:
        found |= {"frame": "base_object.html", "object": domain_page(request, place.domain)}
    elif place.mailbox is not None and not place.is_own:
        found |= {"frame": "base_object.html", "object": mailbox_page(request, place.mailbox)}
    return found


def changing(request: ActorRequest, word: str) -> Place:
    """The place, for who may change its rules. Raises: Http404, Forbidden."""
    place = get_place(request.actor, word)
    scripts.require_rules(request.actor, place.owner)
    return place


@require_safe
def own_mailrules(request: ActorRequest) -> HttpResponse:
    return without_mailbox(request) or mailrules(request, "own")


def without_mailbox(request: ActorRequest) -> HttpResponse | None:
    """What somebody sees who has no mailbox here; None for everybody else."""
    user = request.actor.user
    if request.method == "POST" or user is None or mailbox_of(user) is not None:
        return None
    return render_page(request, "gateway/no_mailbox.html", {})


@require_safe
def mailrules(request: ActorRequest, place: str) -> HttpResponse:
    found = get_place(request.actor, place)
    rows = list(list_scripts(found))
    active = next((row for row in rows if row.is_active), None)
    script = active or next((row for row in rows if row.name == simple.NAME), None)
    rules = [] if script is None else simple.rules_in(script)
    context = frame(request, found) | {
        "scripts": rows,
        "script": script,
        "rules": None if rules is None else shown_rules(rules),
        "quota": None if found.mailbox is None else quotas.of_mailbox(found.mailbox)["sieve"],
        "settings": None
        if found.mailbox is not None
        else rule_settings(None if found.domain is None else found.domain.pk),
        "away": None if found.mailbox is None else note_of(found.mailbox),
        "api": api_of(found),
    }
    return render_page(request, "gateway/mailrules.html", context)


def api_of(place: Place) -> str:
    """Where the API has the same rules."""
    word = place.word if place.mailbox is None or place.is_own else f"user-{place.mailbox.user_id}"
    return f"/api/v1/mail-rules/{word}"


@require_http_methods(EDIT)
def mailrule_create(request: ActorRequest, place: str) -> HttpResponse:
    found = changing(request, place)
    form = MailRuleForm(request.POST if request.method == "POST" else None)
    answer = _saved(request, found, form)
    return answer or render_page(
        request, "gateway/mailrule_create.html", frame(request, found) | {"form": form}, status=_status(request, form)
    )


@require_http_methods(EDIT)
def mailrule_edit(request: ActorRequest, place: str, number: int) -> HttpResponse:
    found = changing(request, place)
    script, rule = _rule(found, number)
    form = MailRuleForm(
        request.POST if request.method == "POST" else None, rule=rule, initial={"version": script.version}
    )
    answer = _saved(request, found, form)
    danger = Danger(
        _("Delete the rule"),
        _("The others stay as they are."),
        _("Delete the rule"),
        f"{reverse('gateway:mailrule-delete', args=[place, number])}?{urlencode({'name': rule.name})}",
    )
    context = frame(request, found) | {"form": form, "rule": rule, "danger": danger}
    return answer or render_page(request, "gateway/mailrule_edit.html", context, status=_status(request, form))


def _status(request: ActorRequest, form: MailRuleForm) -> int:
    return 422 if request.method == "POST" and form.errors else 200


def _saved(request: ActorRequest, place: Place, form: MailRuleForm) -> HttpResponse | None:
    """The answer once the rule is saved; None: the form is shown (again)."""
    if request.method != "POST" or "more" in request.POST or not form.is_valid():
        return None
    with refusing(form, {"conditions": "", "actions": ""}):
        rule = form.rule()
        simple.put_rule(
            request.actor, place.owner, rule, instead_of=form.cleaned_data["was"], expected=form.cleaned_data["version"]
        )
        toast(request, _("The rule counts from the next message on."))
        return redirect_page(request, "gateway:mailrules", place.word)
    return None


def _rule(place: Place, number: int) -> tuple[SieveScript, Rule]:
    """The rule of this place in the list, from 1. Raises: Http404."""
    script = simple.script_for(place.owner)
    rules = None if script is None else simple.rules_in(script)
    if script is None or rules is None or not 1 <= number <= len(rules):
        raise Http404("no such rule")
    return script, in_order(rules)[number - 1]


@require_POST
def mailrule_delete(request: ActorRequest, place: str, number: int) -> HttpResponse:
    found = changing(request, place)
    name = request.GET.get("name") or _rule(found, number)[1].name  # the place may be another's meanwhile
    if not simple.delete_rule(request.actor, found.owner, name):
        raise Http404("no such rule")
    toast(request, _("The rule “%(name)s” is deleted.") % {"name": name})
    return redirect_page(request, "gateway:mailrules", place)


@require_http_methods(EDIT)
def mailscript_create(request: ActorRequest, place: str) -> HttpResponse:
    found = changing(request, place)
    form = ScriptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            data = form.cleaned_data
            made = scripts.create_script(request.actor, found.owner, name=data["name"], text=data["text"])
            toast(request, _("In use.") if made.is_active else _("Saved, and not in use yet."))
            return redirect_page(request, "gateway:mailscript-edit", place, made.pk)
    return render_page(request, "gateway/mailscript_create.html", frame(request, found) | {"form": form})


@require_http_methods(EDIT)
def mailscript_edit(request: ActorRequest, place: str, script_id: int) -> HttpResponse:
    found = get_place(request.actor, place)
    script = get_script(found, script_id)
    if request.method == "POST":
        scripts.require_rules(request.actor, found.owner)
    form = ScriptForm(
        request.POST or None, initial={name: getattr(script, name) for name in ("name", "text", "version")}
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            data = form.cleaned_data
            scripts.update_script(request.actor, script, name=data["name"], text=data["text"], expected=data["version"])
            toast(request, _("Saved."))
            return redirect_page(request, "gateway:mailscript-edit", place, script.pk)
    danger = Danger(
        _("Delete the script"),
        _("No rules are used then.") if script.is_active else _("It isn't in use."),
        _("Delete the script"),
        reverse("gateway:mailscript-delete", args=[place, script.pk]),
    )
    context = frame(request, found) | {"form": form, "script": script, "danger": danger}
    return render_page(request, "gateway/mailscript_edit.html", context)


@require_POST
def mailscript_use(request: ActorRequest, place: str, script_id: int) -> HttpResponse:
    found = changing(request, place)
    script = get_script(found, script_id)
    try:
        scripts.activate_script(request.actor, found.owner, None if "off" in request.POST else script)
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        words = {"name": script.name}
        said = _("“%(name)s” is no longer in use.") if "off" in request.POST else _("“%(name)s” is in use.")
        toast(request, said % words)
    return redirect_page(request, "gateway:mailrules", place)


@require_POST
def mailscript_delete(request: ActorRequest, place: str, script_id: int) -> HttpResponse:
    found = changing(request, place)
    script = get_script(found, script_id)
    scripts.delete_script(request.actor, script)
    toast(request, _("The script “%(name)s” is deleted.") % {"name": script.name})
    return redirect_page(request, "gateway:mailrules", place)


@require_http_methods(EDIT)
def mailrules_settings(request: ActorRequest, place: str) -> HttpResponse:
    found = changing(request, place)
    if found.mailbox is not None:
        raise Http404("of domains and the server")
    row = rule_settings(None if found.domain is None else found.domain.pk)
    form = RuleSettingsForm(
        request.POST or None, initial={"folders": row.folders, "most_redirects": row.most_redirects}
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            scripts.change_settings(request.actor, found.domain, **form.cleaned_data)
            toast(request, _("Saved."))
            return redirect_page(request, "gateway:mailrules", place)
    return render_page(request, "gateway/mailrules_settings.html", frame(request, found) | {"form": form, "row": row})
