"""The tester's page: a question, and the decision in words with every rule that spoke."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import render_page
from domains.forms.rule_trials import TrialForm
from domains.policy.decision import Action, Category, Finding
from domains.policy.facts import Direction, Where
from domains.policy.sentences import translated
from domains.selectors import get_domain
from domains.services.rule_trials import Trial, try_rules
from domains.tables.rules import url_of
from domains.views.frames import domain_page, refusing

CATEGORIES = {
    Category.NOT_SERVED: gettext_lazy("Not served"),
    Category.TOO_BIG: gettext_lazy("Too big"),
    Category.VIRUS: gettext_lazy("Virus"),
    Category.BLOCKED_SENDER: gettext_lazy("Blocked sender"),
    Category.DLP: gettext_lazy("Leak"),
    Category.SENDER_VERIFY: gettext_lazy("Sender not verified"),
    Category.BAD_ATTACHMENT: gettext_lazy("Forbidden attachment"),
    Category.SPAM: gettext_lazy("Spam"),
    Category.BAD_HEADERS: gettext_lazy("Broken headers"),
    Category.BAD_ENCODING: gettext_lazy("Broken encoding"),
    Category.ADVERT: gettext_lazy("Advertising"),
    Category.CLEAN: gettext_lazy("Clean"),
}
ACTIONS = {
    Action.DELIVER: gettext_lazy("It is delivered."),
    Action.HOLD: gettext_lazy("It is held in quarantine."),
    Action.REFUSE: gettext_lazy("It is refused while the sender's server is still there."),
}
TONES = {Action.DELIVER: "good", Action.HOLD: "held", Action.REFUSE: "bad"}
PLACES = {
    Where.ENVELOPE_SENDER: gettext_lazy("the envelope sender"),
    Where.HEADER_FROM: gettext_lazy("From"),
    Where.HEADER_SENDER: gettext_lazy("Sender"),
    Where.REPLY_TO: gettext_lazy("Reply-To"),
    Where.DISPLAY_NAME: gettext_lazy("the name beside From"),
    Where.RECIPIENT: gettext_lazy("a recipient"),
    Where.SUBJECT: gettext_lazy("the subject"),
    Where.BODY: gettext_lazy("the text"),
    Where.ATTACHMENT_NAME: gettext_lazy("an attachment's name"),
    Where.ATTACHMENT_TYPE: gettext_lazy("an attachment's type"),
    Where.ATTACHMENT_TEXT: gettext_lazy("an attachment's text"),
    Where.ARCHIVE_NAME: gettext_lazy("a name inside an archive"),
    Where.ARCHIVE_TYPE: gettext_lazy("a type inside an archive"),
    Where.URI_HOST: gettext_lazy("a link's host"),
    Where.URI: gettext_lazy("a link"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def rule_try(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.VIEW_POLICIES)
    form = TrialForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"object": domain_page(request, domain), "domain": domain, "form": form}
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            trial = try_rules(request.actor, domain, form.question())
            context["answer"] = _shown(trial)
    return render_page(request, "domains/rule_try.html", context)


def _shown(trial: Trial) -> dict[str, Any]:
    decision, facts = trial.decision, trial.facts
    return {
        "category": CATEGORIES[decision.category],
        "action": ACTIONS[decision.action],
        "tone": TONES[decision.action],
        "prefix": decision.subject_prefix,
        "kept": [
            (label, trial.until(keeping))
            for label, keeping in (
                (_("In quarantine until"), decision.quarantine),
                (_("A copy until"), decision.retention),
                (_("In the archive until"), decision.archive),
            )
            if keeping is not None
        ],
        "whose": trial.mailbox,
        "policy": trial.policy,
        "score": decision.spam_score,
        "findings": [_finding(trial, each) for each in decision.findings],
        "notes": [translated(note.sentence, _) for note in decision.notes],
        "sender": facts.envelope_sender,
        "sender_was_taken": trial.sender_was_taken,
        "is_outgoing": facts.direction is Direction.OUTGOING,
        "read": [
            (_("From"), ", ".join(f"{each.name} <{each.address}>".strip() for each in facts.header_from)[:300]),
            (_("Subject"), facts.subject[:300]),
            (_("Attachments"), ", ".join(name for each in facts.attachments for name in each.names)[:500]),
            (_("Links"), ", ".join(dict.fromkeys(uri.host for uri in facts.uris))[:500]),
        ],
    }


def _finding(trial: Trial, finding: Finding) -> dict[str, Any]:
    match = finding.match
    row = None if match is None else trial.rules.get((match.kind, match.rule_id))
    return {
        "category": CATEGORIES[finding.category],
        "tone": TONES[finding.action],
        "why": translated(finding.why.sentence, _),
        "decides": finding.decides,
        "overruled": "" if finding.overruled is None else translated(finding.overruled.sentence, _),
        "rule": row,
        "url": "" if row is None else url_of(row),
        "where": "" if match is None else PLACES[match.where],
        "piece": "" if match is None else match.piece,
    }
