"""What mail rules make of what is delivered: asked between the verdict and filing, once for every delivery.

Server, domain, person, in this order; the next is asked only if the one before keeps the message (as Pigeonhole does
with its "before" scripts). Then the note of who is away. What goes on to addresses of ours is judged for them and
passes their rules too; a mailbox is passed once, so nothing goes round. Only incoming mail that is delivered has rules.

Nothing is written here: `filing` makes it durable. Waits for the database at times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.header import Header

from django.utils import timezone

from domains.models import Mailbox
from domains.policy.decision import Action, Category
from domains.policy.facts import Direction
from domains.selectors.identities import Identity, identity_of
from gateway.directory import before_reading
from gateway.flow import Door, Fate, Incoming, Inspection, Judged, Reply, Route, Ruled, Spoke, Ways
from gateway.judging.deciding import judge
from gateway.models import RuleSettings
from gateway.reception_rows import transport_of
from gateway.resolving import resolve
from gateway.rule_layers import AWAY, Layer, Layers, layers_for
from gateway.sieve import answering, run
from gateway.sieve.mail import Mail
from gateway.sieve.running import Action as Doing
from gateway.sieve.running import Outcome, Setting
from gateway.sieve.simple import VERDICT

MOST_ADDED = 50  # deliveries that rules add to one message
MOST_ADDRESSES = 20  # looked up to find whether a message names its recipient
MOST_FLAG_LETTERS = 900
LOOP_HEADER = "X-Loop"
WITHOUT_RULES = frozenset({Door.JOURNAL, Door.RELEASE, Door.REPROCESS})
_FATES = {"discard": Fate.DISCARDED, "redirect": Fate.REDIRECTED, "reject": Fate.REFUSED}


@dataclass
class Made:
    """What came of one delivery on its way through the layers."""

    keeps: bool = True
    must_keep: bool = False  # what was to be sent on can't be
    folders: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    sent_on: list[str] = field(default_factory=list)
    refusal: str | None = None
    vacation: tuple[Doing, str] | None = None
    said: list[Spoke] = field(default_factory=list)


def rule(incoming: Incoming, inspection: Inspection, judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The deliveries with what rules made of them, and those that rules added. Raises: DatabaseError."""
    if incoming.door in WITHOUT_RULES:
        return tuple(judged)
    waiting, done, passed = list(judged), list[Judged](), set[int]()
    named = {each.route.address for each in judged if each.route.direction is Direction.INCOMING}
    left = MOST_ADDED
    while waiting:
        each = waiting.pop(0)
        if not _has_rules(each) or (each.route.mailbox_id is not None and each.route.mailbox_id in passed):
            done.append(each)
            continue
        if each.route.mailbox_id is not None:
            passed.add(each.route.mailbox_id)
        layers = layers_for(each.route.mailbox_id, each.route.domain_id)
        if not layers.rules and layers.away is None:
            done.append(each)
            continue
        made = pass_through(incoming, inspection, each, layers)
        added = _added(incoming, inspection, each, made, named, left)
        left -= len(added)
        waiting += added
        done.append(replace(each, ruled=ruled_of(incoming, inspection, each, made, layers)))
    return tuple(done)


def _added(
    incoming: Incoming, inspection: Inspection, each: Judged, made: Made, named: set[str], left: int
) -> list[Judged]:
    """The deliveries to where it is sent on; what leads nowhere is said, and the message is kept instead."""
    added: list[Judged] = []
    for to in list(made.sent_on):
        ways = _sent_on(incoming, inspection, each, to, named) if len(added) < left else "nowhere"
        if isinstance(ways, str):
            made.sent_on.remove(to)
            made.must_keep = True
            made.said = [
                replace(spoke, problem=ways) if (spoke.action, spoke.detail) == ("redirect", to) else spoke
                for spoke in made.said
            ]
        else:
            added += ways
    return added


def _has_rules(each: Judged) -> bool:
    route = each.route
    is_ours = route.mailbox_id is not None or route.ends is Ways.MAILBOX
    return route.direction is Direction.INCOMING and is_ours and each.decision.action is Action.DELIVER


def mail_of(incoming: Incoming, inspection: Inspection, route: Route) -> Mail:
    """The message as the rules of one recipient see it."""
    return Mail.of(
        inspection.facts, sender=incoming.sender.address, recipient=route.asked, size_bytes=incoming.body.size_bytes
    )


def setting_of(each: Judged, inspection: Inspection, layers: Layers) -> Setting:
    return Setting(
        now=timezone.localtime(),
        environment=environment(each, inspection),
        most_redirects=layers.most_redirects,
    )


def environment(each: Judged, inspection: Inspection) -> Mapping[str, str]:
    """What rules may ask of it besides the message (RFC 5183; our own items are "vnd.postkeep.…")."""
    score = each.decision.spam_score
    return {
        "name": "Postkeep",
        "phase": "during",
        "location": "MTA",
        VERDICT: each.decision.category.value,
        "vnd.postkeep.score": "" if score is None else f"{score:.0f}",
        "vnd.postkeep.spf": inspection.facts.authentication.spf.value,
        "vnd.postkeep.dmarc": inspection.facts.authentication.dmarc.value,
        "vnd.postkeep.mailbox": each.route.address,
    }


Asking = Callable[[Layer, Outcome], None]


def pass_through(
    incoming: Incoming, inspection: Inspection, each: Judged, layers: Layers, asked: Asking | None = None
) -> Made:
    """Through all layers. asked: told of every layer and its outcome (for the page that tries rules)."""
    mail, setting = mail_of(incoming, inspection, each.route), setting_of(each, inspection, layers)
    made = Made()
    for layer in layers.rules:
        outcome = run(layer.script, mail, setting)
        if asked is not None:
            asked(layer, outcome)
        _take(made, layer, outcome, mail, each.route)
        if not outcome.keeps:
            made.keeps = False
            break
    goes_on = made.refusal is None and (made.keeps or made.folders or made.sent_on)
    if layers.away is not None and goes_on and made.vacation is None:
        outcome = run(layers.away.script, mail, setting)
        if asked is not None:
            asked(layers.away, outcome)
        _take(made, layers.away, outcome, mail, each.route)
    return made


def _take(made: Made, layer: Layer, outcome: Outcome, mail: Mail, route: Route) -> None:
    if outcome.problem is not None:
        problem = str(outcome.problem)
        made.said.append(Spoke(layer.level, "", outcome.problem_line, "problem", "", layer.number, problem))
        return
    made.flags += [flag for flag in outcome.flags if flag not in made.flags]
    for doing in outcome.actions:
        detail, problem = doing.text("folder") or doing.text("to"), ""
        match doing.kind:
            case "fileinto":
                if detail not in made.folders:
                    made.folders.append(detail)
            case "redirect":
                problem = _loops(mail, route, detail)
                if problem:
                    made.must_keep = True
                elif detail not in made.sent_on:
                    made.sent_on.append(detail)
            case "reject":
                made.refusal = doing.text("text")
            case "vacation" if made.vacation is None:
                made.vacation = doing, layer.level
        if layer.level != AWAY or doing.kind == "vacation":
            made.said.append(Spoke(layer.level, doing.rule, doing.line, doing.kind, detail, layer.number, problem))


def _loops(mail: Mail, route: Route, to: str) -> str:
    """A code where sending it on would bring it round again."""
    if to.lower() in (route.address.lower(), route.asked.lower()):
        return "itself"
    seen = {value.strip().lower() for value in mail.raw(LOOP_HEADER)}
    return "loop" if route.address.lower() in seen else ""


def ruled_of(incoming: Incoming, inspection: Inspection, each: Judged, made: Made, layers: Layers) -> Ruled:
    """What comes of a delivery that went through its layers."""
    keeps = made.keeps or made.must_keep or bool(made.folders)
    fate = Fate.KEPT
    if made.refusal is not None:
        fate = Fate.REFUSED
    elif not keeps:
        fate = Fate.REDIRECTED if made.sent_on else Fate.DISCARDED
    reply, why = None, ""
    if made.vacation is not None and made.refusal is None:
        reply, why = _reply(incoming, inspection, each, *made.vacation)
    said = tuple(replace(spoke, problem=why) if spoke.action == "vacation" else spoke for spoke in made.said)
    folder = made.folders[0] if made.folders and fate is Fate.KEPT else ""
    return Ruled(
        fate=fate,
        folders=tuple(made.folders),
        flags=tuple(made.flags),
        address=_with_detail(each.route.address, folder) if layers.folders == RuleSettings.Folders.DETAIL else "",
        refusal=made.refusal or "",
        reply=reply,
        sent_on=tuple(made.sent_on),
        said=said,
        headers=(*(each.ruled.headers if each.ruled else ()), *(_headers(made) if fate is Fate.KEPT else ())),
    )


def _headers(made: Made) -> tuple[str, ...]:
    """Lines for the server behind, whose own Sieve can act on them."""
    lines = [f"X-Postkeep-Folder: {Header(folder, 'utf-8' if not folder.isascii() else None, 998).encode()}"
             for folder in made.folders]  # fmt: skip
    return (*lines, *([f"X-Postkeep-Flags: {_cut(made.flags)}"] if made.flags else []))


def _cut(flags: Sequence[str]) -> str:
    """As many as one line of a header takes."""
    said = ""
    for flag in flags:
        if len(said) + len(flag) >= MOST_FLAG_LETTERS:
            break
        said = f"{said} {flag}".strip()
    return said


def _with_detail(address: str, folder: str) -> str:
    """name+folder@domain (RFC 5233), where a folder can be written so; "" otherwise."""
    local, _at, domain = address.rpartition("@")
    fits = folder and "+" not in local and all(letter.isalnum() or letter in "._/-" for letter in folder)
    return f"{local}+{folder}@{domain}" if fits and folder.isascii() and len(local) + len(folder) < 64 else ""


def _reply(
    incoming: Incoming, inspection: Inspection, each: Judged, doing: Doing, level: str
) -> tuple[Reply | None, str]:
    """The answer, or why there is none."""
    mail = mail_of(incoming, inspection, each.route)
    is_clean = each.decision.category is Category.CLEAN
    why = answering.why_silent(mail, inspection.facts.authentication, is_clean=is_clean)
    box_id = each.route.mailbox_id
    if why or box_id is None:
        return None, why or "nobody"
    before_reading()
    box = Mailbox.objects.filter(pk=box_id).first()
    if box is None or not _is_named(box, mail, doing):
        return None, "not_named"
    text, subject = doing.text("text"), doing.text("subject")
    handle = doing.text("handle") or f"{subject}\n{doing.text('sender')}\n{text}"
    seconds = doing.data.get("seconds")
    return Reply(
        mailbox_id=box_id,
        text=text,
        subject=subject,
        sender=doing.text("sender"),
        level=level,
        handle=f"{level}\n{handle}",
        seconds=seconds if isinstance(seconds, int) else 7 * 86400,
        line=doing.line,
    ), ""


def _is_named(box: Mailbox, mail: Mail, doing: Doing) -> bool:
    """Whether the message was written to this person, by one of their addresses (RFC 5230 §4.5)."""
    more = doing.data.get("addresses", ())
    known = {box.address.lower(), *(each.lower() for each in (more if isinstance(more, tuple) else ()))}
    addresses = list(dict.fromkeys(address.lower() for address in answering.named(mail)))[:MOST_ADDRESSES]
    if any(address in known for address in addresses):
        return True
    return any(identity_of(box, address) is not Identity.NONE for address in addresses)


def _sent_on(incoming: Incoming, inspection: Inspection, each: Judged, to: str, named: set[str]) -> list[Judged] | str:
    """The deliveries to an address that a rule names: ours are judged for whoever it is, others leave. Without any it
    leaves already by another rule. A code instead: it leads nowhere, only to where it is refused, or only to where it
    has been; then whoever sends it on keeps it, or two who send on to each other would lose it.

    To another server it leaves as from the one whose rule it is: their domain vouches for it (SPF), and what comes
    back comes back to them; a bounce stays nobody's.
    """
    route, sender = each.route, incoming.sender.address
    loop = (f"{LOOP_HEADER}: {route.address}",)
    found = resolve(to, sender)
    if found.is_ours:
        if not found.routes:
            return "nowhere"
        fresh = [way for way in found.routes if way.address not in named]
        if not fresh:
            return "loop"
        ways = [replace(way, way=(*route.way, *way.way), return_path=sender) for way in fresh]
        judged = judge(inspection, ways)
        if all(made.decision.action is Action.REFUSE for made in judged):
            return "refused"
        named.update(way.address for way in fresh)
        return [replace(made, ruled=Ruled(headers=loop)) for made in judged]
    if to in named:
        return []
    named.add(to)
    outside = replace(
        route,
        address=to,
        ends=Ways.EXTERNAL,
        relay_id=None,
        unknown="",
        way=(*route.way, to),
        return_path=route.address if sender else "",
        transport=route.transport if incoming.door is Door.FILTER else transport_of(to),
    )
    decision = replace(each.decision, retention=None, archive=None, quarantine=None)
    return [Judged(outside, decision, Ruled(headers=loop))]
