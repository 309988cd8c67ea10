"""One message: the page to read it, its source, its proof, its frame, its parts, and itself as .eml."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from accounts.requests import ActorRequest
from archive import reading, selectors
from archive.errors import MessageUnknown
from archive.folderrights import organises_some
from archive.foldertree import path_of
from archive.listing import Place
from archive.query.errors import QueryError
from archive.query.language import parse
from archive.selectors import Hit, Message, Scope
from archive.services.access import note_read
from archive.store.errors import Damaged
from archive.views.doors import archive_page
from config.kit.pages import render_page

_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", re.ASCII)
# No scripts, no forms, no origin; a link may open a page of its own, which is nobody's to look back from (noopener).
FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
REMOTE_POLICY = FRAME_POLICY.replace("img-src 'self' data:", "img-src 'self' data: https: http:")
PART_POLICY = "sandbox; default-src 'none'"


@require_safe
@archive_page
def message(request: ActorRequest, message_id: str) -> HttpResponse:
    found = open_message(request, message_id)
    context = message_frame(request, found, "message")
    try:
        loaded = reading.load(found)
    except Damaged as error:
        return render_page(request, "archive/message.html", context | {"damage": str(error)})
    said = loaded.reading
    as_text = said.html is None or (request.GET.get("view") == "text" and said.text is not None)
    remote = request.GET.get("remote") == "1"
    context |= {
        "reading": said,
        "cut": loaded.cut,
        "notes": reading.notes(said),
        "attachments": reading.attachments(said),
        "unread": reading.unread(found),
        "as_text": as_text,
        "both": said.html is not None and said.text is not None,
        "blocks": reading.text_blocks(said.text or "") if as_text else [],
        "text_cut": as_text and len(said.text or "") > reading.TEXT_CHARS,
        "remote": remote,
    }
    if not as_text and not remote:
        document = reading.frame(loaded, allow_remote=False)
        context |= {"blocked": document.blocked, "trackers": document.trackers}
    return render_page(request, "archive/message.html", context)


@require_safe
@archive_page
def message_source(request: ActorRequest, message_id: str) -> HttpResponse:
    found = open_message(request, message_id)
    context = message_frame(request, found, "source")
    try:
        text, cut = reading.source_text(found)
        context |= {"source": text, "cut": cut, "shown_bytes": reading.SOURCE_BYTES}
    except Damaged as error:
        context["damage"] = str(error)
    return render_page(request, "archive/message_source.html", context)


@require_safe
@archive_page
def message_proof(request: ActorRequest, message_id: str) -> HttpResponse:
    """Everything is read and compared now, with the page."""
    found = open_message(request, message_id)
    proof = found.engine.proof(found.row.number)
    context = message_frame(request, found, "proof") | {"proof": proof, "archived_at": proof.archived_ms / 1000}
    return render_page(request, "archive/message_proof.html", context)


@require_safe
@archive_page
def message_body(request: ActorRequest, message_id: str) -> HttpResponse:
    """The document of the frame: sanitised, and under a policy that forbids what sanitising might have missed."""
    found = open_message(request, message_id)
    remote = request.GET.get("remote") == "1"
    try:
        document = reading.frame(reading.load(found), allow_remote=remote).html
    except Damaged as error:
        raise Http404(str(error)) from error
    response = HttpResponse(document, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = REMOTE_POLICY if remote else FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-cache"  # an access that ended is closed at once
    return response


@require_safe
@archive_page
def message_eml(request: ActorRequest, message_id: str) -> HttpResponseBase:
    """The message as it came in, byte for byte, streamed. Conditional requests know it by its SHA-256."""
    found = open_message(request, message_id)
    if _has_it_already(request, found.row.sha256):
        return _marked(HttpResponseNotModified(), found.row.sha256)
    body = [] if request.method == "HEAD" else found.engine.stream(found.row.number)
    response = StreamingHttpResponse(body, content_type="message/rfc822")
    response["Content-Length"] = str(found.row.size)
    return _marked(_as_download(response, reading.download_name(found)), found.row.sha256)


@require_safe
@archive_page
def part(request: ActorRequest, message_id: str, index: str) -> HttpResponseBase:
    """One attachment, always to be saved, never to be run by the browser."""
    found = open_message(request, message_id)
    mark = f"{found.row.sha256}-{int(index)}"
    if _has_it_already(request, mark):
        return _marked(HttpResponseNotModified(), mark)
    try:
        taken = reading.attachment(reading.load(found), int(index))
    except Damaged as error:
        raise Http404(str(error)) from error
    if taken is None:
        raise MessageUnknown("no such part")
    entry, data = taken
    kind = entry.content_type if _CONTENT_TYPE.fullmatch(entry.content_type) else "application/octet-stream"
    if kind.startswith(("text/html", "image/svg", "application/xhtml", "text/xml", "application/xml")):
        kind = "application/octet-stream"
    return _marked(_as_download(HttpResponse(data, content_type=kind), entry.name), mark)


def open_message(request: ActorRequest, message_id: str) -> Message:
    found = selectors.get_message(request.actor, message_id)
    note_read(request.actor, found)
    return found


def _as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = PART_POLICY
    return response


def _marked(response: HttpResponseBase, mark: str) -> HttpResponseBase:
    response["ETag"] = f'"{mark}"'
    response["Cache-Control"] = "private, no-cache"
    return response


def _has_it_already(request: ActorRequest, mark: str) -> bool:
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    return any(each.removeprefix("W/") in (f'"{mark}"', "*") for each in asked)


# --- around the message ------------------------------------------------------------------------------------------


def message_frame(request: ActorRequest, found: Message, tab: str) -> dict[str, Any]:
    """What all three tabs show: where it lies, the way back to the list, the neighbours."""
    place = _place(request, found)
    newer, older = _neighbours(found, place)
    archive = found.archive
    may_move = archive is not None and organises_some(request.actor, archive.mailbox, archive.grants)
    return {
        "message": found,
        "row": found.row,
        "archive": archive,
        "move_url": place.move_url(archive.mailbox.pk, found.public_id) if may_move and archive else "",
        "tab": tab,
        "place": place,
        "list_query": place.query_string,
        "newer": newer,
        "older": older,
    }


def _place(request: ActorRequest, found: Message) -> Place:
    """The list the person came from, as far as it is one they can see this message in."""
    folder = request.GET.get("folder", "")
    path = path_of(found.archive, folder) if folder and found.archive is not None else ""
    if path not in {each.path for each in found.folders}:
        folder = ""
    other = found.archive is not None and not found.archive.is_own
    return Place(
        query=request.GET.get("q", "").strip(),
        folder=folder,
        mailbox=found.archive.mailbox.pk if other and found.archive else None,
        order="relevance" if request.GET.get("sort") == "relevance" else "date",
    )


def _neighbours(found: Message, place: Place) -> tuple[str, str]:
    """The ids of the next newer and next older message of the list; a list by relevance has no neighbours."""
    if place.order != "date" or found.archive is None:
        return "", ""
    scope = Scope.of(found.archive, path_of(found.archive, place.folder) or None)
    cursor = Hit(found.store, found.row).cursor
    try:
        node, zone = parse(place.query), timezone.get_current_timezone()
        newer = selectors.search(scope, node, limit=1, after=cursor, zone=zone).hits
        older = selectors.search(scope, node, limit=1, before=cursor, zone=zone).hits
    except QueryError:
        return "", ""
    return (newer[-1].public_id if newer else ""), (older[0].public_id if older else "")
