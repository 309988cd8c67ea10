"""Messages with headers as they come, written here."""

from __future__ import annotations

from textwrap import dedent


def mail(text: str) -> bytes:
    """The text without its indent, with the line ends of mail."""
    return dedent(text).lstrip("\n").replace("\n", "\r\n").encode()


FRIEND = mail(
    """
    Return-Path: <bob@friends.example>
    Received: from mail.friends.example ([192.0.2.7])
    \tby mx.example.org with ESMTPS; Fri, 1 May 2026 12:00:00 +0000
    From: =?utf-8?q?B=C3=B6b_Friend?= <bob@friends.example>
    To: Ada <ada@example.org>
    Subject: =?utf-8?B?TWl0dGFnZXNzZW4/?=
    Date: Fri, 1 May 2026 13:59:58 +0200
    Message-ID: <1@friends.example>
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8

    At noon? https://friends.example/menu.
    """
)
NEWSLETTER = mail(
    """
    From: Shop <news@shop.example>
    To: ada@example.org
    Subject: 20% off
    Date: Fri, 1 May 2026 08:00:00 +0000
    Message-ID: <n1@shop.example>
    List-Unsubscribe: <https://shop.example/u?1>
    List-Unsubscribe-Post: List-Unsubscribe=One-Click
    Precedence: bulk

    https://shop.example/offer
    """
)
DISCUSSION = mail(
    """
    From: Carl <carl@friends.example>
    To: dev@lists.example
    Subject: [dev] release
    Date: Fri, 1 May 2026 08:00:00 +0000
    List-Id: <dev.lists.example>
    List-Post: <mailto:dev@lists.example>
    List-Unsubscribe: <mailto:dev-request@lists.example>

    Hi
    """
)
NO_DATE = mail(
    """
    From: bob@friends.example
    To: ada@example.org
    Subject: hm

    Hi
    """
)
TWO_SUBJECTS = mail(
    """
    From: bob@friends.example
    Subject: one
    Subject: two
    Date: Fri, 1 May 2026 08:00:00 +0000

    Hi
    """
)
CHIEF = mail(
    """
    From: "Carla Chief" <carla.chief@mailer.example>
    Reply-To: carla@examp1e.org
    To: ada@example.org
    Subject: Urgent transfer
    Date: Fri, 1 May 2026 08:00:00 +0000

    Are you at your desk?
    """
)
BROKEN_BASE64 = mail(
    """
    From: bob@friends.example
    Date: Fri, 1 May 2026 08:00:00 +0000
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: base64

    %%%not base64%%%
    """
)
PROGRAM = mail(
    """
    From: bob@friends.example
    Date: Fri, 1 May 2026 08:00:00 +0000
    Content-Type: multipart/mixed; boundary=b

    --b
    Content-Type: text/plain

    See attached
    --b
    Content-Type: application/pdf; name="invoice.pdf"
    Content-Transfer-Encoding: base64
    Content-Disposition: attachment; filename*=UTF-8''invoice%2Eexe

    TVqQAAMAAAA=
    --b--
    """
)
