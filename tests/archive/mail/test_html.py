"""What comes out of `archive.mail.html` holds nothing that runs, loads, sends or covers, whatever goes in."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from archive.mail.css import clean_sheet, clean_style
from archive.mail.html import _ANYWHERE, _ON_TAG, TAGS, _simplified, sanitise
from tests.archive.mail.hostile import FRAGMENTS, hostile

PNG = "data:image/png;base64,iVBORw0KGgo="
OURS = {"html", "head", "body", "meta", "style"}


class Counting:
    """Lets https images through and counts what is refused."""

    def __init__(self) -> None:
        self.refused = 0

    def image(self, value: str) -> str | None:
        return value if value.startswith("https://ok/") else None

    def refuse(self, text: str) -> None:
        self.refused += 1


def body_of(html: str, *, allow_remote: bool = False) -> str:
    document = sanitise(html, inline={"logo@x": PNG, "part": "/m/1/part/2"}, allow_remote=allow_remote).html
    return document[document.index("<body") :]


def assert_harmless(document: str, *, remote: bool = False) -> None:
    """Read the document again with another parser than the one that wrote it."""
    tree = LexborHTMLParser(document)
    for node in tree.css("*"):
        tag = node.tag
        assert tag in TAGS or tag in OURS, tag
        for name, value in node.attributes.items():
            if tag in OURS:
                continue
            assert name in _ANYWHERE | _ON_TAG.get(tag, set()) | {"target", "rel"}, (tag, name)
            assert not name.startswith("on")
            assert name not in ("srcset", "lowsrc", "dynsrc")
            if name == "href":
                assert re.match(r"(?:https?|mailto|tel|ftp):", value or ""), value
            if name in ("src", "background"):
                assert re.match(
                    r"data:image/(?:png|gif|jpeg|webp|bmp|jpg|pjpeg);base64,|/" + ("|https?://" if remote else ""),
                    value or "",
                ), value
            if name == "style" and not remote:
                assert "\\" not in (value or "")
                assert "url(" not in (value or "").replace('url("data:image/', "").replace('url("/', "")
    for style in tree.css("style"):
        text = style.text()
        assert "\\" not in text
        assert "@import" not in text
        assert "@font-face" not in text
        assert remote or "url(" not in text


@pytest.mark.parametrize("name", sorted(hostile("")))
def test_a_hostile_mail_comes_out_harmless(name: str) -> None:
    text = hostile("http://listener.example")[name]
    assert_harmless(sanitise(text, inline={"x": PNG}, allow_remote=False).html)
    assert_harmless(sanitise(text, inline={"x": PNG}, allow_remote=True).html, remote=True)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join), st.booleans())
def test_any_heap_of_fragments_comes_out_harmless(html: str, allow_remote: bool) -> None:
    document = sanitise(html, inline={"part": "/p/1"}, allow_remote=allow_remote).html
    assert_harmless(document, remote=allow_remote)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_taken(html: str) -> None:
    sanitise(html, inline={}, allow_remote=False)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*FRAGMENTS, "color:red;", "a{color:red}", "@media all{", "url(https://ok/x)", "\n"]),
        max_size=20,
    ).map("".join)
)
def test_any_style_comes_out_as_known_declarations_only(text: str) -> None:
    for out in (clean_style(text, Counting()), clean_sheet(text, Counting())):
        assert not re.search(r"[<\\]|@(?!media)|expression|position|/\*", out)
        assert all(url.startswith('"https://ok/') for url in re.findall(r"url\(([^)]*)\)", out))


def test_the_look_of_a_newsletter_survives() -> None:
    html = (
        "<style>.t td{padding:4px} @media (max-width:600px){.t{width:100%!important}}</style>"
        '<body bgcolor="#eeeeee" text="#111111"><table class="t" width="600" cellpadding=0 align=center bgcolor=white>'
        "<tr><td style=\"font: bold 14px/1.4 Arial, 'Segoe UI'; color: rgb(1, 2, 3); border-bottom:1px solid #ccc\">"
        'Hi</td></tr></table><font face="Georgia" size="+1" color="red">x</font></body>'
    )
    document = sanitise(html, inline={}, allow_remote=False).html
    for expected in (
        ".t td {padding:4px}",
        "@media (max-width:600px) {.t {width:100% !important}}",
        "background-color:#eeeeee",
        "color:#111111",
        'width="600"',
        'cellpadding="0"',
        "font:bold 14px / 1.4 Arial, 'Segoe UI'",
        "color:rgb(1, 2, 3)",
        "border-bottom:1px solid #ccc",
        'face="Georgia"',
        'size="+1"',
    ):
        assert expected in document


def test_remote_references_are_counted_and_trackers_too() -> None:
    html = (
        '<img src="http://e/a.png"><img src="//e/t.gif" width="1" height="1"><p style="background:url(https://e/b)">x</p>'
        '<table background="http://e/c"></table><link rel="stylesheet" href="https://e/d.css">'
        "<style>@import url(//e/e.css);</style><img src=cid:part>"
    )
    blocked = sanitise(html, inline={"part": "/p"}, allow_remote=False)
    assert (blocked.blocked, blocked.trackers) == (6, 1)
    allowed = sanitise(html, inline={"part": "/p"}, allow_remote=True)
    assert allowed.blocked == 2  # the style sheets, never loaded
    assert "http://e/a.png" in allowed.html
    assert "https://e/t.gif" in allowed.html


def test_inline_images_are_found_by_content_id() -> None:
    assert f'src="{PNG}"' in body_of('<img src="cid:logo@x">')
    assert f'src="{PNG}"' in body_of('<img src="CID:logo%40x">')
    assert 'src="/m/1/part/2"' in body_of("<img src=cid:part>")
    assert "src=" not in body_of("<img src=cid:unknown>")


def test_an_inline_url_that_leads_elsewhere_is_not_used() -> None:
    for url in ("//e/x", "https://e/x", "javascript:1", "data:text/html,x", "/\\e/x"):
        assert (
            "src=" not in sanitise("<img src=cid:a>", inline={"a": url}, allow_remote=False).html.partition("<body")[2]
        )


def test_links_open_elsewhere_and_say_where_they_lead() -> None:
    out = body_of(
        '<a href="https://evil.example/?a=1&amp;b=2" title="My bank" target=_top rel=opener>https://bank.example</a>'
    )
    assert 'title="https://evil.example/?a=1&amp;b=2"' in out
    assert "My bank" not in out
    assert 'target="_blank"' in out
    assert 'rel="noopener noreferrer nofollow"' in out
    assert 'href="mailto:a@example.org"' in body_of('<a href="mailto:a@example.org">x</a>')


def test_relative_links_and_unknown_schemes_lead_nowhere() -> None:
    for href in (
        "/admin",
        "x.html",
        "#top",
        "//e/x",
        "javascript:1",
        "data:text/html,x",
        "file:///etc/passwd",
        "blob:x",
    ):
        assert "href" not in body_of(f'<a href="{href}">x</a>')


def test_a_document_is_complete_and_has_a_policy_of_its_own() -> None:
    document = sanitise("x", inline={}, allow_remote=False).html
    assert document.startswith('<!DOCTYPE html><html><head><meta charset="utf-8">')
    assert "default-src &#x27;none&#x27;; img-src &#x27;self&#x27; data:;" in document
    assert 'name="viewport"' in document


def test_huge_and_deep_html_is_taken_in_bounded_time() -> None:
    started = time.process_time()
    for html in (
        "<div>" * 200_000 + "end",
        "<b>" * 90_000 + "end",
        "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">end",
        "<p " + " ".join(f"a{n}='<>'" for n in range(90_000)) + ">end",
        "<!-- <p a=' --><p " + " ".join(f"a{n}" for n in range(200_000)) + ">end",
        "<b></p>" * 90_000 + "end",
        "<a><div></a>" * 90_000 + "end",
        "<table><b>" * 90_000 + "end",
        "x" * 5_000_000,
        "<" * 1_000_000,
        '"' * 1_000_000,
        "<a '\"" * 200_000,
    ):
        result = sanitise(html, inline={}, allow_remote=False)
        assert len(result.html) < 12_000_000
        assert_harmless(result.html)
    assert time.process_time() - started < 60


def test_a_very_large_mail_keeps_its_look() -> None:
    cell = '<b>row</b> 1 < 2 <img src="cid:part"><script>x</script>'
    row = f'<tr><td style="color:red" title="a &quot;b&quot;">{cell}</td></tr>'
    document = sanitise(f"<table>{row * 9_000}</table>", inline={"part": "/p"}, allow_remote=False).html
    assert_harmless(document)
    assert document.count('<b>row</b> 1 &lt; 2 <img src="/p">') > 4_000
    assert document.count('style="color:red"') > 4_000


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_simplified_html_is_as_harmless(html: str) -> None:
    tree = LexborHTMLParser(_simplified(html))
    assert {node.tag for node in tree.css("*")} <= TAGS | OURS
