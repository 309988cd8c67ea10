"""Reading one message by the page: safe whatever is in it, and the .eml is what came in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from archive import engines, reading
from archive.mail import reading as mail_reading
from archive.models import Store
from tests.archive.django.factories import archive, folder_of, make_mails, make_raw

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]


def url(name: str, public_id: str, *more: Any) -> str:
    return reverse(f"archive:{name}", args=[public_id, *more])


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_text_people_and_attachments_are_shown(client_for: ClientFor, user: User) -> None:
    raw = make_raw("Plans", "See <below>\n> quoted\n", attachments=[("plan.pdf", b"%PDF-1")])
    (public_id,) = archive(user, [raw])
    content = client_for(user).get(url("message", public_id)).content.decode()
    assert "See &lt;below&gt;" in content
    assert '<div class="quoted">&gt; quoted</div>' in content
    assert "plan.pdf" in content
    assert "ann@example.net" in content
    assert "<iframe" not in content


def test_html_stands_in_a_frame_of_its_own_with_nothing_remote(client_for: ClientFor, user: User) -> None:
    html = '<p onclick="x()">Hello</p><script>alert(1)</script><img src="http://tracker.example.net/p.gif" width="1">'
    (public_id,) = archive(user, [make_raw("Offer", "plain\n", html=html)])
    client = client_for(user)
    page = client.get(url("message", public_id)).content.decode()
    assert re.search(r'<iframe[^>]* sandbox="[^"]*"', page)
    assert "allow-scripts" not in page and "allow-same-origin" not in page
    assert "tracker.example.net" not in page
    assert "1 remote picture or style is not loaded" in page
    frame = client.get(url("message-body", public_id))
    assert b"Hello" in frame.content
    for bad in (b"alert(1)", b"onclick", b"tracker.example.net"):
        assert bad not in frame.content
    policy = frame["Content-Security-Policy"]
    assert policy.startswith("sandbox") and "allow-scripts" not in policy and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "img-src 'self' data:;" in policy
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    assert frame["Referrer-Policy"] == "no-referrer"
    remote = client.get(url("message-body", public_id), {"remote": "1"})
    assert b"tracker.example.net" in remote.content
    assert "https:" in remote["Content-Security-Policy"]
    assert b"plain" in client.get(url("message", public_id), {"view": "text"}).content


def test_a_frame_without_html_is_an_empty_document(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [b"\x00\xff\xfe nothing of a message"], index=False)
    assert client_for(user).get(url("message-body", public_id)).status_code == 200
    assert client_for(user).get(url("message", public_id)).status_code == 200


@pytest.mark.parametrize(
    "subject",
    [
        b"=?utf-8?q?a=0D=0ASet-Cookie:_x=3D1=0D=0A?=",
        b'"; filename="evil.exe',
        b"../../etc/passwd",
        b"=?utf-8?q?=E2=80=AEcod.exe?=",
        b"<script>alert(1)</script>",
        b"",
        b"x" * 5000,
    ],
)
def test_hostile_subjects_stay_out_of_headers_and_markup(client_for: ClientFor, user: User, subject: bytes) -> None:
    raw = b"From: a@example.net\r\nSubject: " + subject + b"\r\n\r\nbody\r\n"
    (public_id,) = archive(user, [raw])
    client = client_for(user)
    answer = client.get(url("message-eml", public_id))
    assert body_of(answer) == raw
    said = answer["Content-Disposition"]
    assert said.startswith("attachment;") and said.isprintable() and len(said) < 600
    assert ".eml" in said and "/" not in said and "\\" not in said.replace('\\"', "")
    assert "Set-Cookie" not in answer.headers
    for name in ("message", "message-source", "message-proof"):
        assert b"<script>alert" not in client.get(url(name, public_id)).content
    assert b"<script>alert" not in client.get("/mail/").content


@pytest.mark.parametrize("name", ["../../evil.sh", 'a"; x="b', "a\r\nX-Evil: 1.txt", "\u202egpj.exe", ".", "x" * 400])
def test_hostile_attachment_names_are_made_safe(client_for: ClientFor, user: User, name: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    raw = (
        b"From: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: text/html\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''"
        + encoded.encode()
        + b"\r\n\r\n<script>1</script>\r\n--b--\r\n"
    )
    (public_id,) = archive(user, [raw], index=False)
    answer = client_for(user).get(url("part", public_id, 1))
    assert answer.content.strip() == b"<script>1</script>"
    said = answer["Content-Disposition"]
    assert said.startswith("attachment") and "/" not in said.replace("utf-8''", "") and said.isprintable()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert "X-Evil" not in answer.headers


def test_the_eml_is_byte_identical_and_known_by_its_hash(client_for: ClientFor, user: User) -> None:
    raw = b"Subject: x\r\n\r\nno final newline \x00\xff"
    (public_id,) = archive(user, [raw])
    client = client_for(user)
    answer = client.get(url("message-eml", public_id))
    assert body_of(answer) == raw
    assert answer["Content-Length"] == str(len(raw))
    again = client.get(url("message-eml", public_id), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    head = client.head(url("message-eml", public_id))
    assert (head.status_code, head["Content-Length"], body_of(head)) == (200, str(len(raw)), b"")


def test_the_source_is_escaped_and_bounded(client_for: ClientFor, user: User) -> None:
    raw = b"Subject: \x1b[31m\xe2\x80\xae<b>\r\n\r\n" + b"0123456789abcde\n" * 50_000
    (public_id,) = archive(user, [raw], index=False)
    answer = client_for(user).get(url("message-source", public_id))
    content = answer.content.decode()
    assert "␛[31m⟨U+202E⟩&lt;b&gt;" in content
    assert len(answer.content) < 700_000
    assert "The first 512 KiB of" in content


def test_the_proof_names_hash_and_journal_and_notices_a_flipped_bit(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [make_raw("Evidence")])
    client = client_for(user)
    page = client.get(url("message-proof", public_id)).content.decode()
    assert "Verified just now: yes" in page
    store = Store.objects.get()
    row = engines.open_store(store).row(1)
    assert row is not None and row.sha256 in page
    (pack,) = (store.root / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[row.place.offset + row.place.length // 2] ^= 1
    pack.write_bytes(data)
    engines.close_all()
    assert "Verified just now: no" in client.get(url("message-proof", public_id)).content.decode()
    assert b"This message is damaged" in client.get(url("message", public_id)).content
    assert client.get(url("message-body", public_id)).status_code == 404


def test_neighbours_follow_the_list_the_person_came_from(client_for: ClientFor, user: User) -> None:
    ids = archive(user, [*make_mails(3), make_raw("Other", "nothing\n", date="02 Jan 2005 10:00:00 +0000")])
    client = client_for(user)
    page = client.get(url("message", ids[1]), {"q": "budget"}).content.decode()
    assert f'rel="prev" href="{url("message", ids[2])}?q=budget"' in page
    assert f'rel="next" href="{url("message", ids[0])}?q=budget"' in page
    store, number = folder_of(ids[0])
    page = client.get(url("message", ids[2]), {"folder": f"{store}.{number}"}).content.decode()
    assert 'rel="prev"' not in page
    assert client.get(url("message", ids[1]), {"q": "((", "folder": "x"}).status_code == 200


@pytest.mark.parametrize("bad", ["1:0", "0:1", "999:1", "1:999999999999999999"])
def test_ids_of_nothing_are_404(client_for: ClientFor, user: User, bad: str) -> None:
    archive(user, [make_raw()], index=False)
    assert client_for(user).get(f"/mail/message/{bad}/").status_code == 404


@pytest.mark.parametrize("bad", ["1", "1:", ":1", "a:b", "1:1:1", "-1:1", "1:1.0", "1%3A1%00", "٣:1", "1:" + "9" * 30])
def test_ids_of_another_form_are_no_address(client_for: ClientFor, user: User, bad: str) -> None:
    assert client_for(user).get(f"/mail/message/{bad}/").status_code == 404


def test_a_part_that_is_not_there_is_404(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [make_raw()], index=False)
    assert client_for(user).get(url("part", public_id, 7)).status_code == 404
    assert client_for(user).get(url("part", public_id, 99999)).status_code == 404


def test_what_is_odd_about_a_message_is_said_in_the_persons_language(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [b"Subject: bare\r\n\r\nx"])
    client = client_for(user)
    assert "No Date header" in client.get(url("message", public_id)).content.decode()
    german = client.get(url("message", public_id), headers={"Accept-Language": "de"}).content.decode()
    assert "Kein Feld „Date“" in german and "No Date header" not in german


def test_every_note_has_words_for_the_page() -> None:
    assert set(reading._NOTES) == set(mail_reading._NOTES)


def test_a_subject_of_any_length_leaves_room_for_the_message(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [make_raw("W" * 5000, "the text")])
    content = client_for(user).get(url("message", public_id)).content.decode()
    heading = re.search(r"<h1>(.*?)</h1>", content)
    assert heading is not None and len(heading[1]) == 300
