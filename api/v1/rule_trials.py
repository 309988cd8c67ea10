"""The tester: what would happen to this message, and which rule or setting decides?"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import Fault, Invalid
from api.operations import Group
from api.schemas import Answer, Body, Line, Moment, Name, UpperCase
from api.v1 import subjects
from domains.models import Domain
from domains.policy.decision import Finding
from domains.policy.facts import AuthResult, Direction, SenderVerify
from domains.policy.reasons import Reason
from domains.policy.sentences import translated
from domains.services.rule_trials import MOST_BYTES, MOST_TEXT, Question, Trial, try_rules

group = Group(
    "Rule tester",
    "Would this message match, and which rule? For senders, attachments, links, texts (DLP) and policies.",
    names={"raw": "message", "file": "message"},
)

Result = Annotated[Literal["NONE", "PASS", "FAIL", "SOFTFAIL", "NEUTRAL", "TEMPERROR", "PERMERROR"], UpperCase]
Verified = Annotated[Literal["NOT_DONE", "PASSED", "FAILED", "UNKNOWN"], UpperCase]


class TrialBody(Body):
    """A whole message, or single things; who it is from and for; and what a gateway would find out."""

    direction: Annotated[Literal["INCOMING", "OUTGOING"], UpperCase] = "INCOMING"
    sender: Annotated[Line, Field(description="Of the envelope; empty: as the message's From says.")] = ""
    recipient: Annotated[Line, Field(description="Of the envelope; empty: somebody without anything of their own.")] = (
        ""
    )
    message: Annotated[str | None, Field(max_length=MOST_BYTES, description="Its source (RFC 5322).")] = None
    message_base64: Annotated[
        str | None, Field(max_length=MOST_BYTES * 4 // 3 + 4, description="The same, byte for byte.")
    ] = None
    attachment: Annotated[str, Field(max_length=1_000, description="A file's name.", examples=["offer.xlsm"])] = ""
    link: Annotated[str, Field(max_length=2_000)] = ""
    text: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    spf: Result = "NONE"
    dkim: Result = "NONE"
    dkim_domain: Annotated[Name, Field(description="Who signed; empty: the sender's domain.")] = ""
    dmarc: Result = "NONE"
    spam_score: Annotated[float | None, Field(ge=-1_000, le=1_000)] = None
    virus: Annotated[str, Field(max_length=200, description="The name of a virus that was found.")] = ""
    sender_verify: Verified = "NOT_DONE"


class RuleRef(Answer):
    """A rule that spoke."""

    kind: Literal["SENDER", "ATTACHMENT", "URI", "DLP"]
    id: int
    label: str


class FindingAnswer(Answer):
    """One thing that spoke: what it makes of the message, and why."""

    category: str
    action: Literal["DELIVER", "HOLD", "REFUSE"]
    decides: bool
    why: str
    code: Annotated[str, Field(description="The same for programs.")]
    overruled: Annotated[str | None, Field(description="Why it doesn't count.")]
    rule: Annotated[RuleRef | None, Field(description="Null: the policy or a scanner.")]
    where: Annotated[str | None, Field(description="Where in the message the rule matched.")]
    piece: Annotated[str | None, Field(description="What it matched there, shortened.")]


class TrialAnswer(Answer):
    """What would happen, and everything that spoke, in the order in which it is weighed."""

    category: Annotated[str, Field(examples=["CLEAN"])]
    action: Literal["DELIVER", "HOLD", "REFUSE"]
    subject_prefix: str | None
    spam_score: float | None
    quarantine_until: Moment | None
    retention_until: Moment | None
    archive_until: Moment | None
    sender: Annotated[str | None, Field(description="Of the envelope, as it counted.")]
    user_id: Annotated[int | None, Field(description="Whose own rules and policy counted beside the domain's.")]
    policy_id: int | None
    findings: list[FindingAnswer]
    notes: list[str]


def _question(body: TrialBody) -> Question:
    return Question(
        direction=Direction(body.direction.lower()),
        sender=body.sender,
        recipient=body.recipient,
        raw=_raw(body),
        attachment=body.attachment,
        link=body.link,
        text=body.text,
        spf=AuthResult(body.spf.lower()),
        dkim=AuthResult(body.dkim.lower()),
        dkim_domain=body.dkim_domain,
        dmarc=AuthResult(body.dmarc.lower()),
        spam_score=body.spam_score,
        virus=body.virus,
        sender_verify=SenderVerify(body.sender_verify.lower()),
    )


def _raw(body: TrialBody) -> bytes:
    if body.message_base64 is None:
        return (body.message or "").encode()
    try:
        return base64.b64decode(body.message_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        text = "This is no Base64."
        raise Invalid(f"messageBase64: {text}", faults=[Fault("messageBase64", text)]) from error


def _said(why: Reason | None) -> str | None:
    return None if why is None else translated(why.sentence, _)


def _finding(trial: Trial, finding: Finding) -> FindingAnswer:
    match = finding.match
    row = None if match is None else trial.rules.get((match.kind, match.rule_id))
    action: Any = finding.action.upper()
    kind: Any = "" if match is None else match.kind.upper()
    return FindingAnswer(
        category=finding.category.upper(),
        action=action,
        decides=finding.decides,
        why=_said(finding.why) or "",
        code=finding.why.code.value,
        overruled=_said(finding.overruled),
        rule=None if match is None or row is None else RuleRef(kind=kind, id=row.pk, label=str(row)),
        where=None if match is None else match.where.value,
        piece=None if match is None else match.piece,
    )


@group.post("/domains/{int:domainId}/filters/trial", admit=subjects.domain(Right.VIEW_POLICIES), reads=True)
def rule_trial(actor: Actor, domain: Domain, body: TrialBody) -> TrialAnswer:
    """Try what would happen to a message in a domain.

    For one recipient (outgoing: the sender). Nothing is stored and nothing leaves. What only a gateway finds out is
    assumed as the body says.
    """
    trial = try_rules(actor, domain, _question(body))
    decision = trial.decision
    action: Any = decision.action.upper()
    return TrialAnswer(
        category=decision.category.upper(),
        action=action,
        subject_prefix=decision.subject_prefix or None,
        spam_score=decision.spam_score,
        quarantine_until=trial.until(decision.quarantine),
        retention_until=trial.until(decision.retention),
        archive_until=trial.until(decision.archive),
        sender=trial.facts.envelope_sender or None,
        user_id=None if trial.mailbox is None else trial.mailbox.user_id,
        policy_id=None if trial.policy is None else trial.policy.pk,
        findings=[_finding(trial, each) for each in decision.findings],
        notes=[translated(note.sentence, _) for note in decision.notes],
    )
