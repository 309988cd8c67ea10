"""Messages as mail programs write them, made here; and what is read of them again by the standard library."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from gateway.signatures.block import Block, Picture, key_of

PICTURE = Picture("logo.1@example.org", "logo.png", "image/png", b"\x89PNG not really a picture" * 20)
BLOCK = Block(
    key=key_of("template", 1),
    name="House style",
    html="<p><b>Ada Lovelace</b><br>Chief Engineer<br>Tel. 0123 456 789</p>",
    text="Ada Lovelace\nChief Engineer\nTel. 0123 456 789",
)
WITH_PICTURE = Block(BLOCK.key, "With logo", f'{BLOCK.html}<img src="cid:{PICTURE.cid}">', BLOCK.text, (PICTURE,))

_HTML_QUOTE = "<div>On Monday</div>"
# what was written, then what is quoted, as each program has it
HTML_REPLIES = {
    "gmail": (
        '<div dir="ltr">Thank you!</div><br>',
        '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, 30 Nov 2026 at 09:00, Bob &lt;'
        '<a href="mailto:bob@example.net">bob@example.net</a>&gt; wrote:<br></div><blockquote class="gmail_quote" '
        'style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204)">Lunch?</blockquote></div>',
    ),
    "outlook": (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta name=Generator content="Word 15">'
        "<!--[if !mso]><style>v\\:* {behavior:url(#default#VML);}</style><![endif]--></head>"
        '<body lang=EN-GB><div class=WordSection1><p class=MsoNormal>Thank you!<o:p></o:p></p>'
        "<p class=MsoNormal><o:p>&nbsp;</o:p></p>",
        "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>"
        "<span lang=EN-US>From:</span></b><span lang=EN-US> Bob &lt;bob@example.net&gt; <br><b>Sent:</b> Monday<br>"
        "<b>To:</b> Ada<br><b>Subject:</b> Lunch<o:p></o:p></span></p></div></div><p class=MsoNormal>Lunch?</p>"
        "</div></body></html>",
    ),
    "outlook-german": (
        "<body><p class=MsoNormal>Danke!</p>",
        "<div><div style='border:none'><p class=MsoNormal><b>Von:</b> Bob<br><b>Gesendet:</b> Montag<br>"
        "<b>An:</b> Ada<br><b>Betreff:</b> Essen</p></div></div><p>Essen?</p></body>",
    ),
    "outlook-web": (
        '<html><body><div class="elementToProof">Thank you!</div>',
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Bob<br><b>Sent:</b> Monday</font></div><div>Lunch?</div>'
        "</body></html>",
    ),
    "apple": (
        '<html><body style="overflow-wrap: break-word;">Thank you!<br id="lineBreakAtBeginningOfMessage"><div><br>',
        '<blockquote type="cite"><div>On 30. Nov 2026, at 09:00, Bob &lt;bob@example.net&gt; wrote:</div><br>'
        '<div>Lunch?</div></blockquote></div><br></body></html>',
    ),
    "thunderbird": (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body><p>Thank you!</p>',
        '<div class="moz-cite-prefix">Am 30.11.26 um 09:00 schrieb Bob:<br></div><blockquote type="cite" '
        'cite="mid:1@example.net"><p>Essen?</p></blockquote></body></html>',
    ),
    "plain blockquote": (
        "<p>Merci !</p>",
        "<p>Le lun. 30 nov. 2026 à 09:00, Bob a écrit :</p><blockquote><p>Déjeuner ?</p></blockquote>",
    ),
    "banner": (
        "<div>Gracias</div>",
        "<div>-----Mensaje original-----<br>De: Bob<br>Enviado: lunes<br>Para: Ada<br>Asunto: Almuerzo"
        "</div><p>¿Comemos?</p>",
    ),
    "yahoo": (
        "<div>Thank you!</div>",
        '<div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday Bob wrote:</div><div>Lunch?</div></div>',
    ),
}  # fmt: skip
TEXT_REPLIES = {
    "en": ("Thank you!\n\n", "On Mon, Nov 30, 2026 at 9:00 AM Bob <bob@example.net> wrote:\n\n> Lunch?\n"),
    "en, wrapped": (
        "Thank you!\n\n",
        "On Mon, Nov 30, 2026 at 9:00 AM Bob Robertson-Winterbottom\n<b@x.example> wrote:\n> Hi\n",
    ),
    "de": ("Danke!\n\n", "Am 30.11.26 um 09:00 schrieb Bob:\n> Essen?\n>\n> Bob\n\n"),
    "fr": ("Merci !\n\n", "Le 30/11/2026 à 09:00, Bob a écrit\xa0:\n> Déjeuner ?\n"),
    "es": ("Gracias\n\n", "El lun, 30 nov 2026 a las 9:00, Bob (<bob@example.net>) escribió:\n> ¿Comemos?\n"),
    "nb": ("Takk!\n\n", "Den 30.11.2026 09:00, skrev Bob:\n> Lunsj?\n"),
    "da": ("Tak!\n\n", "Den 30.11.2026 kl. 09.00 skrev Bob:\n> Frokost?\n"),
    "no introduction": ("Thank you!\n", "> Lunch?\n> Bob\n"),
    "outlook": (
        "Thank you!\n\n",
        "-----Original Message-----\nFrom: Bob\nSent: Monday\nTo: Ada\nSubject: Lunch\n\nLunch?\n",
    ),
    "outlook, underscores": (
        "Thank you!\n\n",
        "________________________________\nFrom: Bob\nSent: Monday\nTo: Ada\nSubject: Lunch\n\nLunch?\n",
    ),
    "outlook, german": ("Danke!\n\n", "Von: Bob\nGesendet: Montag\nAn: Ada\nBetreff: Essen\n\nEssen?\n"),
    "forwarded": ("See below.\n\n", "---------- Forwarded message ---------\nFrom: Bob\nDate: Mon\n\nLunch?\n"),
    "unmarked": ("Thank you!\n\n", "On 30.11.2026 at 09:00 Bob wrote:\nLunch?\n"),
}  # fmt: skip


def plain(text: str, *, charset: str = "utf-8", cte: str | None = None, headers: dict[str, str] | None = None) -> bytes:
    message = _headed(headers)
    message.set_content(text, charset=charset, cte=cte)
    return message.as_bytes(policy=policy.SMTP)


def alternative(text: str, html: str, *, files: int = 0) -> bytes:
    message = _headed(None)
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for number in range(files):
        message.add_attachment(bytes(range(256)) * 9, maintype="application", subtype="pdf", filename=f"{number}.pdf")
    return message.as_bytes(policy=policy.SMTP)


def _headed(headers: dict[str, str] | None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <ada@example.org>", "bob@example.net", "Re: Lunch"
    message["Message-ID"] = "<2@example.org>"
    for name, value in (headers or {}).items():
        message[name] = value
    return message


def texts(raw: bytes) -> dict[str, str]:
    """The text parts as the standard library reads them, by type, line ends as LF."""
    found: dict[str, str] = {}
    for part in message_from_bytes(raw, policy=policy.default).walk():
        if part.get_content_maintype() == "text" and not part.is_attachment():
            found[part.get_content_subtype()] = part.get_content().replace("\r\n", "\n")
    return found


def payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def leaves(raw: bytes) -> list[tuple[str, bytes]]:
    return [
        (part.get_content_type(), payload(part)) for part in message_from_bytes(raw).walk() if not part.is_multipart()
    ]
