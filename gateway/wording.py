"""The gateway's words for people: verdicts, reasons, steps. Stored codes stay; what they are called may change.

Not for SMTP replies, which are English (`gateway.intake`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config.kit.nav import Text
from config.kit.templatetags.kit import day
from domains.policy.reasons import Code, sentence_of
from domains.policy.sentences import translated
from domains.policy.signs import explained
from gateway.judging.scoring.table import SIGNS
from gateway.models import Folder, Recipient, Step
from gateway.steps import Kind

CATEGORIES: dict[str, Text] = {
    "clean": pgettext_lazy("verdict", "Clean"),
    "spam": pgettext_lazy("verdict", "Spam"),
    "virus": pgettext_lazy("verdict", "Virus"),
    "advert": pgettext_lazy("verdict", "Advertising"),
    "blocked_sender": pgettext_lazy("verdict", "Blocked sender"),
    "sender_verify": pgettext_lazy("verdict", "Sender not verified"),
    "bad_headers": pgettext_lazy("verdict", "Broken headers"),
    "bad_encoding": pgettext_lazy("verdict", "Broken encoding"),
    "bad_attachment": pgettext_lazy("verdict", "Forbidden attachment"),
    "dlp": pgettext_lazy("verdict", "May not leave"),
    "too_big": pgettext_lazy("verdict", "Too big"),
    "not_served": pgettext_lazy("verdict", "Not served"),
}
CATEGORY_TONES: dict[str, str] = {
    "clean": "good",
    "spam": "warn",
    "virus": "bad",
    "advert": "none",
    "blocked_sender": "warn",
    "sender_verify": "warn",
    "bad_headers": "warn",
    "bad_encoding": "warn",
    "bad_attachment": "bad",
    "dlp": "bad",
    "too_big": "warn",
    "not_served": "none",
}
STATE_TONES: dict[str, str] = {
    "queued": "busy",
    "delivered": "good",
    "held": "warn",
    "released": "good",
    "refused": "bad",
    "bounced": "bad",
    "stored": "warn",
    "archived": "good",
    "deleted": "none",
    "expired": "none",
    "discarded": "none",
    "redirected": "good",
}
DIRECTIONS: dict[str, Text] = {"incoming": gettext_lazy("Incoming"), "outgoing": gettext_lazy("Outgoing")}


def state_label(state: str) -> str:
    return str(Recipient.State(state).label) if state in Recipient.State.values else state


def why(data: Mapping[str, Any]) -> str:
    """A stored reason in words; of a code that no version knows any more, the code."""
    code = str(data.get("code", ""))
    if code not in set(Code):
        return code
    try:
        return translated(sentence_of(Code(code), data.get("data") or {}), _)
    except (KeyError, TypeError, ValueError):  # stored by a version whose sentence named something else
        return code


@dataclass(frozen=True, slots=True)
class Said:
    """One finding of a stored decision, in words. rule: (kind, id) of the row that spoke, None where none did."""

    verdict: str
    tone: str
    why: str
    decides: bool
    overruled: str
    piece: str
    rule: tuple[str, int] | None


def findings_of(decision: Mapping[str, Any]) -> list[Said]:
    """All that spoke, the one that decided first."""
    found = [_said(each) for each in decision.get("findings") or ()]
    return sorted(found, key=lambda said: (not said.decides, bool(said.overruled)))


def _said(finding: Mapping[str, Any]) -> Said:
    category, rule = str(finding.get("category", "")), finding.get("rule")
    return Said(
        verdict=str(CATEGORIES.get(category, category)),
        tone=CATEGORY_TONES.get(category, ""),
        why=why(finding.get("why") or {}),
        decides=bool(finding.get("decides")),
        overruled=why(finding["overruled"]) if finding.get("overruled") else "",
        piece=str(finding.get("piece") or ""),
        rule=(str(rule["kind"]), int(rule["id"])) if rule else None,
    )


def decided_because(decision: Mapping[str, Any]) -> str:
    """The reason that settled it, in one sentence; "" where there is no decision."""
    return next((said.why for said in findings_of(decision) if said.decides), "")


def notes_of(decision: Mapping[str, Any]) -> list[str]:
    return [why(each) for each in decision.get("notes") or ()]


STEPS: dict[str, Text] = {
    Kind.RECEIVED: gettext_lazy("Received"),
    Kind.JUDGED: gettext_lazy("Judged: %(verdict)s"),
    Kind.KEPT: gettext_lazy("Kept in “%(folder)s”"),
    Kind.QUEUED: gettext_lazy("Put into the queue"),
    Kind.ATTEMPT: gettext_lazy("Handed to %(host)s"),
    Kind.DELIVERED: gettext_lazy("Delivered"),
    Kind.BOUNCED: gettext_lazy("Given up"),
    Kind.HELD: gettext_lazy("Held back in the queue"),
    Kind.FREED: gettext_lazy("Let go on in the queue"),
    Kind.RELEASED: gettext_lazy("Released from quarantine"),
    Kind.DELETED: gettext_lazy("Deleted"),
    Kind.EXPIRED: gettext_lazy("Its time in quarantine ended"),
    Kind.REPORTED: gettext_lazy("Reported as judged wrongly"),
    Kind.BLOCKED: gettext_lazy("The sender was blocked"),
    Kind.ALLOWED: gettext_lazy("The sender was allowed"),
    Kind.REQUESTED: gettext_lazy("Its release was asked for"),
    Kind.GRANTED: gettext_lazy("Its release was granted"),
    Kind.DECLINED: gettext_lazy("Its release was declined"),
    Kind.RULED: gettext_lazy("Mail rule: %(did)s"),
    Kind.STORED: gettext_lazy("Put into the repository “%(repository)s”"),
    Kind.REPROCESSED: gettext_lazy("Processed again"),
    Kind.REDIRECTED: gettext_lazy("Sent on to %(to)s"),
    Kind.SIGNED: gettext_lazy("Signed with DKIM for %(domain)s (%(selectors)s)"),
    Kind.SIGNATURE: gettext_lazy("Signature added: %(signature)s"),
    Kind.UNSIGNED: gettext_lazy("Left without a signature"),
    Kind.NOTICED: gettext_lazy("A notice was sent"),
    Kind.OPENED: gettext_lazy("Opened to be read"),
    Kind.REMEDIATED: gettext_lazy("Taken out of the mailbox: %(outcome)s"),
    Kind.DISTRIBUTED: gettext_lazy("Distributed by the mailing list %(list)s"),
    Kind.PROBLEM: gettext_lazy("A problem: %(text)s"),
}
REMEDIED: dict[str, Text] = {
    "removed": pgettext_lazy("taking out of a mailbox", "removed"),
    "found": pgettext_lazy("taking out of a mailbox", "found"),
    "missing": pgettext_lazy("taking out of a mailbox", "not there"),
    "differs": pgettext_lazy("taking out of a mailbox", "only similar messages, which stay"),
    "unreachable": pgettext_lazy("taking out of a mailbox", "the mailbox can't be reached"),
    "no_account": pgettext_lazy("taking out of a mailbox", "nothing says how the mailbox is reached"),
    "partly": pgettext_lazy("taking out of a mailbox", "not everywhere"),
}
SPOTS: dict[str, Text] = {
    "above": gettext_lazy("above what is quoted"),
    "end": gettext_lazy("at the end"),
}
WITHOUT: dict[str, Text] = {
    "signed": gettext_lazy("the message is signed, and would no longer be what was signed"),
    "encrypted": gettext_lazy("the message is encrypted"),
    "calendar": gettext_lazy("it is an invitation or an answer to one"),
    "report": gettext_lazy("it is a report of delivery or reading"),
    "automatic": gettext_lazy("no person wrote it"),
    "resent": gettext_lazy("it was sent on as it is"),
    "no_text": gettext_lazy("it has no text"),
    "structure": gettext_lazy("its parts can't be told apart"),
    "encoding": gettext_lazy("its encoding is broken or unusual"),
    "charset": gettext_lazy("its character set can't be read"),
    "there": gettext_lazy("it is in the thread already"),
    "size": gettext_lazy("it is too large"),
    "error": gettext_lazy("it couldn't be read"),
}
STEP_TONES: dict[str, str] = {
    Kind.DELIVERED: "good",
    Kind.BOUNCED: "bad",
    Kind.HELD: "warn",
    Kind.DELETED: "warn",
    Kind.PROBLEM: "bad",
    Kind.RELEASED: "good",
    Kind.GRANTED: "good",
    Kind.DECLINED: "bad",
}


_NAMED = ("domain", "host", "list", "repository", "rule", "selectors", "signature", "text", "to")


def step_text(step: Step) -> str:
    """What happened, in a line."""
    data = dict(step.data)
    words: dict[str, str] = {name: str(data.get(name) or "–") for name in _NAMED}
    words["verdict"] = str(CATEGORIES.get(data.get("category", ""), data.get("category") or "–"))
    folder = data.get("folder")
    words["folder"] = str(Folder(folder).label) if folder in Folder.values else str(folder or "–")
    words["outcome"] = str(REMEDIED.get(str(data.get("outcome")), data.get("outcome") or "–"))
    text = STEPS.get(step.kind)
    if step.kind == Kind.RULED:
        words["did"] = rule_did(
            str(data.get("action", "")), str(data.get("detail") or ""), str(data.get("problem") or "")
        )
    if step.kind == Kind.ATTEMPT and not data.get("ok"):
        return _("%(host)s didn't take it") % words
    return str(text) % words if text else step.kind


LIST_REASONS: dict[str, Text] = {
    "not_subscriber": gettext_lazy("Only subscribers may post to this list."),
    "not_owner": gettext_lazy("Only the owner may post to this list."),
    "prohibited": gettext_lazy("The sender may not post to this list."),
    "banned": gettext_lazy("The sender is banned from this list."),
    "empty_sender": gettext_lazy("It has no sender."),
    "moderated": gettext_lazy("What this sender posts is looked at first."),
    "first": gettext_lazy("It is one of the sender's first messages."),
    "stranger": gettext_lazy("The sender is not on the list."),
    "forged": gettext_lazy("The sender may be forged."),
    "too_big": gettext_lazy("It is larger than the list allows."),
    "automatic": gettext_lazy("A program wrote it."),
    "loop": gettext_lazy("It came by this list already."),
    "closed": gettext_lazy("The list is closed."),
    "moderator": gettext_lazy("A moderator decided so."),
    "problem": gettext_lazy("It could not be distributed; the log of the server says why."),
}


def list_reason(why: str) -> str:
    """Why a mailing list held or refused something."""
    return str(LIST_REASONS.get(why, why))


RULES_OF: dict[str, Text] = {
    "server": gettext_lazy("rules of the server"),
    "domain": gettext_lazy("rules of the domain"),
    "user": gettext_lazy("own rules"),
    "away": gettext_lazy("out of office"),
}
RULE_DOES: dict[str, Text] = {
    "keep": gettext_lazy("deliver"),
    "fileinto": gettext_lazy("into the folder “%(detail)s”"),
    "redirect": gettext_lazy("send on to %(detail)s"),
    "discard": gettext_lazy("throw away"),
    "reject": gettext_lazy("refuse"),
    "vacation": gettext_lazy("answer"),
    "problem": gettext_lazy("stopped: %(problem)s"),
}
RULE_DID_NOT: dict[str, Text] = {
    "itself": gettext_lazy("not sent on: it would go to itself"),
    "loop": gettext_lazy("not sent on: it has been here before"),
    "nowhere": gettext_lazy("not sent on: the address leads nowhere"),
    "refused": gettext_lazy("not sent on: it is refused there"),
    "bounce": gettext_lazy("not answered: there is nobody to answer"),
    "robot": gettext_lazy("not answered: the sender is a program"),
    "automatic": gettext_lazy("not answered: a program wrote it"),
    "list": gettext_lazy("not answered: it came by a mailing list"),
    "bulk": gettext_lazy("not answered: it was written to many"),
    "forged": gettext_lazy("not answered: the sender is forged"),
    "suspicious": gettext_lazy("not answered: it was judged to be something else than mail"),
    "not_named": gettext_lazy("not answered: it isn't written to one of the person's addresses"),
    "nobody": gettext_lazy("not answered: the address is nobody's"),
}


def rule_did(action: str, detail: str = "", problem: str = "") -> str:
    """What a mail rule did, in words; or why it didn't."""
    if problem in RULE_DID_NOT:
        return str(RULE_DID_NOT[problem])
    return str(RULE_DOES.get(action, action)) % {"detail": detail, "problem": problem}


def _ruled_by(data: Mapping[str, Any]) -> str:
    """Whose rule it was, its name and its line."""
    said = [str(RULES_OF.get(str(data.get("level")), ""))]
    if data.get("rule"):
        said.append(_("“%(rule)s”") % {"rule": data["rule"]})
    if data.get("line") and data.get("level") != "away":
        said.append(_("line %(line)d") % {"line": data["line"]})
    return ", ".join(filter(None, said))


def step_more(step: Step) -> str:
    """What else is worth saying of it: the remote's answer, the reason somebody gave, until when."""
    data = step.data
    if step.kind == Kind.RULED:
        return _ruled_by(data)
    said = [*_answer(data), *(str(data[name]) for name in ("why", "problem") if data.get(name))]
    if data.get("via") == "digest":
        said.insert(0, _("by the link of a digest mail"))
    if step.kind in (Kind.SIGNATURE, Kind.UNSIGNED):
        said += _of_signature(data)
    if data.get("until"):
        said.insert(0, _("until %(day)s") % {"day": _day(str(data["until"]))})
    if data.get("tls") and step.kind == Kind.ATTEMPT:
        said.append(str(data["tls"]))
    return " · ".join(said)


def _of_signature(data: Mapping[str, Any]) -> list[str]:
    words = SPOTS.get(str(data.get("spot", ""))) or WITHOUT.get(str(data.get("because", "")))
    return [str(words)] if words else []


def _answer(data: Mapping[str, Any]) -> list[str]:
    """Which server answered, and what, with its codes."""
    parts = (str(data.get(name) or "") for name in ("code", "status", "reply"))
    said = " ".join(filter(None, parts))
    if not said:
        return []
    host, address, port = (str(data.get(name) or "") for name in ("host", "address", "port"))
    named = host + (f" [{address}]" if address and address != host else "") + (f":{port}" if port else "")
    return [f"{named}: {said}" if host else said]


def _day(text: str) -> str:
    return day(text) if parse_datetime(text) else text


def viruses_of(facts: Mapping[str, Any]) -> str:
    """What is known of viruses, also that nobody looked; "" where the message was looked at before it came here."""
    if found := facts.get("viruses"):
        return _("found: %(names)s") % {"names": ", ".join(map(str, found))}
    if "clamd" in (facts.get("missing") or []):
        return _("not looked for: clamd gave no answer")
    match facts.get("virus_scanner"):
        case "clamd":
            return _("none, says clamd")
        case "none":
            return _("not looked for: no virus scanner is set")
    return ""


def spam_of(facts: Mapping[str, Any]) -> str:
    """That nobody gave it points for spam; "" where somebody did, or it was looked at before."""
    if "rspamd" in (facts.get("missing") or []):
        return _("not looked for: rspamd gave no answer")
    return _("not looked for: no scanner is set") if facts.get("virus_scanner") and not facts.get("scanner") else ""


def broken_of(facts: Mapping[str, Any]) -> list[str]:
    """What is broken in the headers and encodings of a message, each in words."""
    names = [*(facts.get("bad_headers") or []), *(facts.get("bad_encoding") or [])]
    return [translated(explained(str(name)), _) for name in names]


def sign(name: str) -> str:
    """What a sign of the built-in scorer means; "" for a symbol of another scanner."""
    known = SIGNS.get(name)
    return "" if known is None else _(known.text)
