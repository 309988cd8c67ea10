"""What is read out of command lines, and what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.smtp import auth, commands, proxy
from gateway.smtp.commands import Refused


@pytest.mark.parametrize(
    ("text", "address", "parameters"),
    [
        ("FROM:<>", "", ()),
        ("from:<a@example.org>", "a@example.org", ()),
        ("FROM: <a@example.org>", "a@example.org", ()),
        ("FROM:a@example.org SIZE=5", "a@example.org", (("SIZE", "5"),)),
        ("FROM:<@relay.example,@b.example:a@example.org>", "a@example.org", ()),
        ('FROM:<"a b>@\\"c"@example.org> BODY=8bitmime', '"a b>@\\"c"@example.org', (("BODY", "8bitmime"),)),
        ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", ()),
        ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ()),
        ("FROM:<ä@exämple.org> SMTPUTF8", "ä@exämple.org", (("SMTPUTF8", ""),)),
        ("FROM:<a@b.example> RET=HDRS ENVID=x+2By", "a@b.example", (("RET", "HDRS"), ("ENVID", "x+2By"))),
        ("FROM:<a@b.example> AUTH=<>", "a@b.example", (("AUTH", "<>"),)),
    ],
)
def test_return_paths_with_their_parameters(text: str, address: str, parameters: commands.Parameters) -> None:
    assert commands.mail_from(text) == (address, parameters)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 501),
        ("TO:<a@example.org>", 501),
        ("FROM:<a@example.org", 501),
        ("FROM:<a@example.org>SIZE=3", 501),
        ("FROM:<a@example.org> SIZE", 501),
        ("FROM:<a@example.org> SIZE=-1", 501),
        ("FROM:<a@example.org> SIZE=1 SIZE=2", 501),
        ("FROM:<a@example.org> SIZE=1" + "0" * 30, 501),
        ("FROM:<a@example.org> BODY=BINARYMIME", 501),
        ("FROM:<a@example.org> X-SECRET=1", 555),
        ("FROM:<a@example.org> =", 501),
        ("FROM:<ä@example.org>", 553),
        ("FROM:<a>", 501),
        ("FROM:<@example.org>", 501),
        ("FROM:<a@>", 501),
        ("FROM:<a..b@example.org>", 501),
        ("FROM:<a b@example.org>", 501),
        ("FROM:<a@exa mple.org>", 501),
        ("FROM:<a@-example.org>", 501),
        ("FROM:<a@[999.1.1.1]>", 501),
        (f"FROM:<{'a' * 65}@example.org>", 501),
        (f"FROM:<a@{'b.' * 130}example>", 501),
    ],
)
def test_what_is_no_return_path(text: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        commands.mail_from(text)
    assert refused.value.answer.code == code


def test_recipients() -> None:
    dsn = "TO:<b@example.com> NOTIFY=success,FAILURE ORCPT=rfc822;b+2Bc@example.com"
    assert commands.rcpt_to(dsn, is_wide=False)[1] == (
        ("NOTIFY", "success,FAILURE"),
        ("ORCPT", "rfc822;b+2Bc@example.com"),
    )
    assert commands.rcpt_to("TO:<Postmaster>", is_wide=False)[0] == "Postmaster"
    for wrong in (
        "TO:<>",
        "TO:<b@c.example> NOTIFY=NEVER,DELAY",
        "TO:<b@c.example> ORCPT=x",
        "TO:<b@c.example> SIZE=1",
    ):
        with pytest.raises(Refused):
            commands.rcpt_to(wrong, is_wide=False)


@pytest.mark.parametrize("name", ["client.example.org", "localhost", "[192.0.2.1]", "[IPv6:::1]", "my_host.lan"])
def test_names_of_hosts(name: str) -> None:
    assert commands.hello_name(name) == name


@pytest.mark.parametrize("name", ["", "a..b", "-a", "bücher.example", "<script>", "[1.2.3]", "a" * 300, "a;b"])
def test_what_is_no_name_of_a_host(name: str) -> None:
    with pytest.raises(Refused):
        commands.hello_name(name)


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_LINES = st.one_of(
    st.binary(max_size=80),
    st.tuples(
        st.sampled_from([b"MAIL FROM:", b"RCPT TO:", b"EHLO ", b"XCLIENT ADDR=", b"AUTH PLAIN "]),
        st.lists(
            st.sampled_from([b"<", b">", b"@", b'"', b"\\", b" ", b"a", b"=", b".", b"[", b"]", b"+"]), max_size=20
        ),
    ).map(lambda pair: pair[0] + b"".join(pair[1])),
)


@QUICK
@given(_LINES)
def test_any_line_is_read_or_refused(line: bytes) -> None:
    """Nothing else is raised, and what is taken holds no control characters and no end of a line."""
    with suppress(Refused):
        _, rest = commands.split(line)
        for read in (commands.mail_from, lambda text: commands.rcpt_to(text, is_wide=True)):
            with suppress(Refused):
                address, _ = read(rest)
                assert not any(ord(char) < 32 or ord(char) == 127 for char in address)
        for other in (commands.hello_name, auth.plain, auth.decode, commands.xtext):
            with suppress(Refused):
                other(rest)
        with suppress(Refused):
            proxy.attributes(rest, proxy.XCLIENT)


@QUICK
@given(st.binary(max_size=300))
def test_any_beginning_is_a_proxy_header_or_is_not(data: bytes) -> None:
    for beginning in (b"", b"PROXY ", b"PROXY TCP4 192.0.2.1 ", proxy.V2_SIGNATURE, proxy.V2_SIGNATURE + b"\x21\x11"):
        with suppress(proxy.BadHeader):
            proxy.take_header(bytearray(beginning + data))
