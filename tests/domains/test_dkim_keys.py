"""DKIM keys: what is made can be published and read back, what is pasted is understood or refused with a reason."""

from __future__ import annotations

import base64
from functools import cache

import dns.rdata
import dns.zone
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domains import dkim_keys
from domains.dkim_keys import (
    BadKey,
    BadRecord,
    BadSelector,
    DkimKey,
    KeyKind,
    generate,
    parse_private_key,
    parse_record,
)

# RFC 8463 appendix A.
SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
SEED_PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA = generate(KeyKind.RSA_2048)


@cache
def key_of(kind: KeyKind) -> DkimKey:
    """One of each kind; a long RSA key takes its time."""
    return RSA if kind is KeyKind.RSA_2048 else generate(kind)


@pytest.mark.parametrize(
    ("kind", "algorithm", "bits"),
    [(KeyKind.RSA_2048, "rsa", 2048), (KeyKind.RSA_4096, "rsa", 4096), (KeyKind.ED25519, "ed25519", 256)],
)
def test_a_new_key_has_the_record_that_matches_it(kind: KeyKind, algorithm: str, bits: int) -> None:
    key = key_of(kind)
    assert (key.algorithm, key.bits) == (algorithm, bits)
    assert key.record == f"v=DKIM1; k={algorithm}; p={key.public_text}"
    record = parse_record(key.record)
    assert dkim_keys.is_same_key(record, key)
    assert not dkim_keys.is_same_key(record, generate(KeyKind.ED25519))
    assert parse_private_key(key.private_pem()).record == key.record


def test_the_private_half_is_not_in_what_is_printed() -> None:
    assert "private" not in repr(RSA) and RSA.private_pem() not in repr(RSA)
    assert SEED not in repr(parse_private_key(SEED))


def forms_of(key: DkimKey) -> dict[str, str]:
    """The ways people paste one key."""
    encoding, form, plain = serialization.Encoding, serialization.PrivateFormat, serialization.NoEncryption()
    pkcs8, pkcs1 = (
        key.private.private_bytes(encoding.PEM, kind, plain).decode() for kind in (form.PKCS8, form.TraditionalOpenSSL)
    )
    return {
        "PKCS #8": pkcs8,
        "PKCS #1": pkcs1,
        "with Windows line ends": pkcs8.replace("\n", "\r\n"),
        "without line ends": pkcs1.replace("\n", ""),
        "with spaces for line ends": "  " + pkcs8.replace("\n", " "),
        "only base64 of PKCS #8": "".join(pkcs8.splitlines()[1:-1]),
        "only base64 of PKCS #1": "\n".join(pkcs1.splitlines()[1:-1]) + "\n",
    }  # fmt: skip


@pytest.mark.parametrize(("how", "text"), forms_of(RSA).items())
def test_a_pasted_private_key_is_read_in_every_usual_form(how: str, text: str) -> None:
    assert parse_private_key(text).record == RSA.record, how


def test_the_example_of_rfc_8463_is_read_from_its_bare_seed() -> None:
    key = parse_private_key(SEED)
    assert (key.public_text, key.record) == (SEED_PUBLIC, f"v=DKIM1; k=ed25519; p={SEED_PUBLIC}")


def pem_of(key: object, password: bytes | None = None) -> str:
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


PUBLIC_PEM = (
    RSA.private.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a private key"),
        ("hello world", "not a private key"),
        ("ä" * 40, "not a private key"),
        (base64.b64encode(b"x" * 31).decode(), "not a private key"),
        (RSA.public_text, "not a private key"),
        ("-----BEGIN PRIVATE KEY-----", "damaged"),
        (RSA.private_pem()[:400], "damaged"),
        (RSA.private_pem().replace("M", "N", 3), "damaged"),
        (PUBLIC_PEM, "public key"),
        (pem_of(rsa.generate_private_key(65537, 2048), b"secret"), "password"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "RSA and Ed25519"),
        ("A" * 70_000, "too long"),
    ],
)
def test_what_is_no_usable_private_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadKey, match=reason):
        parse_private_key(text)


RSA_512 = """
MIIBUwIBADANBgkqhkiG9w0BAQEFAASCAT0wggE5AgEAAkEA2qBrvahVHOlWsb4EpCzuxVyHW+U/xRAEPhscb7ajp+i+MWIef7dBMdOmnBuq43
5YN8oKCCeKRjqhcOyKDY+VawIDAQABAkBf5dw8rfjfnK6teoc4qIj3w1WQhqeJPjRONcAsdHWm8Y2qiedK8O/uO0Acjx+PUeuUwn5SzC7eP9rc
fq8pYJdZAiEA+DwzfbTycDx2Ol3AH8QTF2omi1mKnH6J5ce05oQby40CIQDhdx90exUUpV4B7Nhyo1+CCYs1nJfWhkZQYopKsDyq1wIgURVhAF
u9oTmuqKv82KN0VP6gbn4mD64pnvvXtEBMz/UCIEwfexhJwilRV/cQb1ftPv7ZmA3GzCEa/rx/OK/U5vbLAiBWtSkBpbFeJlhq03hAU0pFlXU2
yOc133EeFf0ET7pAPg==
"""


def test_an_rsa_key_that_verifiers_ignore_is_refused() -> None:
    assert parse_private_key(pem_of(rsa.generate_private_key(65537, 1024))).bits == 1024
    with pytest.raises(BadKey, match="512"):
        parse_private_key(RSA_512)


# --- selectors and records ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"), [("s2026", "s2026"), (" S1 ", "s1"), ("a.b-c.d", "a.b-c.d"), ("1", "1"), ("x" * 63, "x" * 63)]
)
def test_selectors_are_read_in_lower_case(text: str, read: str) -> None:
    assert dkim_keys.clean_selector(text) == read


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "ä", "x" * 64, "a;p=", "a\nb", "a." * 60 + "a"]
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(BadSelector):
        dkim_keys.clean_selector(text)


def test_a_name_that_dns_can_not_hold_is_refused() -> None:
    assert dkim_keys.record_name("s1", "example.org") == "s1._domainkey.example.org"
    with pytest.raises(BadSelector):
        dkim_keys.record_name("s" * 63, "x" * 63 + "." + "y" * 63 + "." + "z" * 60 + ".example")


def test_a_published_key_matches_in_all_forms_it_is_written_in() -> None:
    public = RSA.private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    bare = base64.b64encode(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)).decode()
    spaced = f"v=DKIM1 ;t = y:s ; h=sha256:sha1; n=a note; p={RSA.public_text[:100]} \t{RSA.public_text[100:]};"
    for text in (f"p={RSA.public_text}", f"v=DKIM1;p={bare}", spaced, f"v=DKIM1; s=email; k=RSA; p={bare}"):
        assert dkim_keys.is_same_key(parse_record(text), RSA), text
    record = parse_record(spaced)
    assert record.is_testing and record.flags == {"y", "s"} and record.hashes == {"sha256", "sha1"}


def test_an_empty_key_is_revoked_and_matches_nothing() -> None:
    record = parse_record("v=DKIM1; k=rsa; p=")
    assert record.public is None
    assert not dkim_keys.is_same_key(record, RSA)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a tag"),
        ("v=spf1 -all", "DKIM1"),
        ("v=DKIM1", "no tag p="),
        ("v=DKIM2; p=", "DKIM1"),
        ("p=; v=DKIM1", "first"),
        ("v=DKIM1; p=AAAA", "can't be read"),
        ("v=DKIM1; p=%%%", "can't be read"),
        (f"v=DKIM1; k=ed25519; p={RSA.public_text}", "can't be read"),
        (f"v=DKIM1; k=rsa; p={SEED_PUBLIC}", "can't be read"),
        (f"v=DKIM1; k=dsa; p={SEED_PUBLIC}", "unknown kind"),
        (f"v=DKIM1; p={RSA.public_text}; p=", "twice"),
        (f"v=DKIM1; s=web; p={RSA.public_text}", "not for mail"),
        ("v=DKIM1 p=AAAA", "DKIM1"),
    ],
)
def test_a_record_that_says_no_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadRecord, match=reason):
        parse_record(text)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_records(text: str) -> None:
    try:
        parse_record(text)
    except BadRecord as error:
        assert str(error)


@pytest.mark.parametrize("kind", KeyKind)
def test_the_line_for_a_zone_file_gives_the_record_back(kind: KeyKind) -> None:
    key = key_of(kind)
    strings = dkim_keys.split_strings(key.record)
    assert "".join(strings) == key.record and all(len(string) <= 255 for string in strings)
    line = dkim_keys.zone_line("s1._domainkey.example.org", key.record)
    start = "$TTL 60\n@ IN SOA ns.example.org. root.example.org. 1 1 1 1 1\n@ IN NS ns.example.org.\n"
    zone = dns.zone.from_text(f"{start}{line}\n", origin="example.org")
    (text,) = zone.find_rdataset("s1._domainkey", "TXT")
    assert b"".join(text.strings).decode() == key.record
    assert dkim_keys.is_same_key(parse_record(b"".join(text.strings).decode()), key)


def test_an_ed25519_key_of_a_person_is_read_from_pem_too() -> None:
    private = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    assert parse_private_key(pem).algorithm == "ed25519"
