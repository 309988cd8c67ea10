"""Placeholders: an empty one takes its line away, in text, breaks, lists and tables; a value is only text."""

from __future__ import annotations

import pytest

from gateway.signatures.filling import fill_html, fill_text, unknown_names
from gateway.signatures.plain import text_of

VALUES = {"name": "Ada <L>", "phone": "+47 22 33", "company": "Engines", "info.Room": "7"}
LOGO = '<img src="cid:picture-1">'


@pytest.mark.parametrize(
    ("html", "made"),
    [
        ("<p>{{name}}<br>{{title}}<br>Tel. {{ phone }}</p>", "<p>Ada &lt;L&gt;<br>Tel. +47 22 33</p>"),
        ("<p>{{title}}</p><p>x</p>", "<p>x</p>"),
        ("<div><div>{{title}}</div></div>x", "x"),
        ("<ul><li>{{title}}</li><li>{{name}}</li></ul>", "<ul><li>Ada &lt;L&gt;</li></ul>"),
        ("<ul><li>{{title}}</li></ul><p>x</p>", "<p>x</p>"),
        ("x<br>{{title}}", "x"),
        ("{{title}}", ""),
        ("<b>{{name}}<br>{{title}}</b><br>x", "<b>Ada &lt;L&gt;<br></b>x"),
        ("{{ mobile | phone }}, {{info.Room}}", "+47 22 33, 7"),
        ('<a href="tel:{{phone}}">{{phone}}</a>', '<a href="tel:+472233">+47 22 33</a>'),
        ('x<br><a href="tel:{{mobile}}">Call</a><br>y', "x<br>y"),
        (
            "<table><tbody><tr><td>Mobile</td><td>{{mobile}}</td></tr><tr><td>Firm</td><td>{{company}}</td></tr></tbody></table>",
            "<table><tbody><tr><td>Firm</td><td>Engines</td></tr></tbody></table>",
        ),
        (
            f"<table><tbody><tr><td>{LOGO}</td><td>{{{{title}}}}</td></tr></tbody></table>",
            f"<table><tbody><tr><td>{LOGO}</td><td></td></tr></tbody></table>",
        ),
        ("<table><tbody><tr><td>{{title}}</td></tr></tbody></table>x", "x"),
    ],
)  # fmt: skip
def test_an_empty_field_takes_its_line_away(html: str, made: str) -> None:
    assert fill_html(html, VALUES) == made


def test_the_same_in_text() -> None:
    text = "{{name}}\n{{title}}\n\nTel. {{phone}}\n\n{{fax}}\n\n{{company}}"
    assert fill_text(text, VALUES) == "Ada <L>\n\nTel. +47 22 33\n\nEngines"


def test_a_placeholder_that_means_nothing_is_named() -> None:
    assert unknown_names("{{name}} {{info.Room}} {{ salary }} {{phone | x y}}") == ["salary", "?x y"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p><b>Ada</b><br>Engineer</p><p>Tel. 1</p>", "Ada\nEngineer\n\nTel. 1"),
        ('<a href="https://example.org/">Our site</a>', "Our site <https://example.org/>"),
        ('<a href="https://www.example.org/">www.example.org</a>', "www.example.org"),
        ('<a href="mailto:a@example.org">a@example.org</a>', "a@example.org"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<table><tr><td>Tel.</td><td>1</td></tr><tr><td>Fax</td><td>2</td></tr></table>", "Tel. 1\nFax 2"),
        ('<img src="cid:x" alt="Engines Ltd">', "Engines Ltd"),
        ("<div>One</div><div>Two</div><div><br></div><div>Three</div>", "One\nTwo\n\nThree"),
        ("a &amp; b&nbsp;c", "a & b c"),
        ("x<hr>y", "x\n--------------------\ny"),
    ],
)
def test_html_becomes_lines_of_text(html: str, text: str) -> None:
    assert text_of(html) == text
