"""The offline verifier under attack: files beside it, keys that are none, mbox tricks, stamps of who may make none."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archive.evidence.container import ZipWriter
from archive.store import Store
from tests.archive.evidence.making import VERIFIER, load_verifier, make_package, make_store

verifier = load_verifier()
NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
KEY = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("evidence"))


def package(store: Store, place: Path, kind: str = "eml", numbers: Sequence[int] = (1, 2, 4)) -> Path:
    """One of a server whose key the tests know, unpacked."""
    make_package(place / "case.zip", store, kind=kind, numbers=numbers, key=KEY)
    with zipfile.ZipFile(place / "case.zip") as archive:
        archive.extractall(place / "case")
    return place / "case"


def sign_anew(folder: Path, change: Callable[[dict[str, Any]], None] = lambda manifest: None) -> None:
    """The server itself (or who has its key) signs a manifest of files as they are now."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    change(manifest)
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    public = KEY.public_key().public_bytes_raw().hex()
    (folder / "manifest.sig").write_text(f"{public} {KEY.sign(text).hex()}\n")


def verdict(path: Path, *options: str) -> int:
    return int(verifier.main([str(path), *options]))


def test_a_file_beside_the_verifier_is_not_run(store: Store, tmp_path: Path) -> None:
    """Whoever gives away a package can put files beside it, but not answer in the place of cryptography."""
    script = shutil.copy(VERIFIER, tmp_path / "verify_package.py")
    case = package(store, tmp_path)
    (case / "log.json").write_bytes(b"[{}]")
    for name in ("cryptography", "json", "hashlib", "argparse", "zlib", "stat"):
        (tmp_path / f"{name}.py").write_text("import sys\nprint('ACCEPTED by a stranger')\nsys.exit(0)\n")
    done = subprocess.run([sys.executable, script, case], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ACCEPTED" not in done.stdout and "“log.json” was changed" in done.stdout
    assert "nothing beside this program is run" in done.stdout


def test_a_key_for_which_anything_is_signed_is_none() -> None:
    """The neutral point is a valid encoding, and a signature for it fits every text."""
    basis = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
    signature = basis + (1).to_bytes(32, "little")  # 1·B = B + h·0
    weak = [y.to_bytes(32, "little") for y in verifier.SMALL]
    weak += [(int.from_bytes(key, "little") | 1 << 255).to_bytes(32, "little") for key in weak]
    weak += [(verifier.P + y).to_bytes(32, "little") for y in (0, 1)]
    for key in weak:
        assert not verifier.is_signed(key, signature, b"any text")
    public = KEY.public_key().public_bytes_raw()
    assert verifier.is_signed(public, KEY.sign(b"any text"), b"any text")
    assert not verifier.is_signed(public, KEY.sign(b"another"), b"any text")


def test_files_are_not_added_renamed_doubled_or_hidden_behind_case(store: Store, tmp_path: Path) -> None:
    case = package(store, tmp_path)
    first = case / "messages" / "000001.eml"

    def refused(change: Callable[[], object], back: Callable[[], object]) -> None:
        change()
        assert verdict(case) == 1
        back()
        assert verdict(case) == 0

    copy, upper = case / "messages" / "000009.eml", case / "README.TXT"
    refused(lambda: shutil.copy(first, copy), copy.unlink)
    refused(lambda: first.rename(copy), lambda: copy.rename(first))
    refused(lambda: shutil.copy(case / "README.txt", upper), upper.unlink)
    refused((case / "empty").mkdir, (case / "empty").rmdir)
    content = first.read_bytes()
    refused(lambda: first.write_bytes(content + b"\n"), lambda: first.write_bytes(content))
    refused(lambda: first.write_bytes(content[:-1]), lambda: first.write_bytes(content))
    other = case / "messages" / "000002.eml"
    refused(lambda: swap(first, other), lambda: swap(first, other))
    upper.write_bytes((case / "README.txt").read_bytes())
    sign_anew(case, lambda manifest: manifest["files"].append({**manifest["files"][-1], "path": "README.TXT"}))
    assert verdict(case) == 1


def swap(one: Path, other: Path) -> None:
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)


def test_a_zip_with_more_in_it_than_a_package_has_is_refused(store: Store, tmp_path: Path) -> None:
    package(store, tmp_path)
    whole = (tmp_path / "case.zip").read_bytes()
    trick = tmp_path / "trick.zip"
    tricks = [b"#!/bin/sh\n" + whole, whole + whole, whole + b"\0", whole[:-2] + b"\1\0!"]
    for content in tricks:
        trick.write_bytes(content)
        assert verdict(trick) == 1
    for change in ("comment", "extra", "doubled", "deflated"):
        shutil.copy(tmp_path / "case.zip", trick)
        with zipfile.ZipFile(trick, "a") as archive:
            if change == "comment":
                archive.comment = b"hello"
            else:
                name = "README.txt" if change == "doubled" else "more.txt"
                kind = zipfile.ZIP_DEFLATED if change == "deflated" else zipfile.ZIP_STORED
                archive.writestr(name, b"hello", compress_type=kind)
        assert verdict(trick) == 1, change
    for first, second in (("a.txt", "a.txt"), ("../a.txt", "b.txt"), ("/a.txt", "b.txt"), ("A.txt", "a.txt")):
        trick.unlink()
        writer = ZipWriter(trick, wide=False)
        for name in (first, second):
            writer.begin(name)
            writer.write(b"x")
            writer.end()
        writer.close()
        assert verdict(trick) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: raw.replace(b"From MAILER-DAEMON", b"From mallory@example.net", 1), "“From …” stands before"),
        (
            lambda raw: raw + b"From MAILER-DAEMON Sat Jan 31 10:00:00 2004\nSubject: more\n\nMore.\n\n",
            "behind the last",
        ),
        (lambda raw: raw + b"\n", "behind the last"),
        (lambda raw: raw[:-1] + b"x", "does not end as it must"),
        (lambda raw: raw.replace(b"\n>From here on\n", b"\nXFrom here on\n", 1), "is not the one that was archived"),
        (lambda raw: raw.replace(b"\n>From here on\n", b"\nFrom here on\n", 1)[:-1] + b"\n\n", "is not quoted"),
    ],
)
def test_nothing_hides_between_the_messages_of_an_mbox(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[bytes], bytes], why: str
) -> None:
    """Signed by the server itself: what lies between is no message, so no message's hash speaks of it."""
    case = package(store, tmp_path, "mbox", (2,))
    assert verdict(case) == 0
    mbox = case / "messages.mbox"
    before = mbox.read_bytes()
    mbox.write_bytes(change(before))
    assert mbox.read_bytes() != before

    def fit(manifest: dict[str, Any]) -> None:
        (message,) = manifest["messages"]
        message["offset"] = mbox.read_bytes().index(b"\n") + 1
        message["length"] -= int(b"\nFrom here on" in mbox.read_bytes())

    sign_anew(case, fit)
    capsys.readouterr()
    assert verdict(case) == 1
    assert why in capsys.readouterr().out


def test_what_was_asked_to_be_checked_and_isn_t_there_is_no_success(store: Store, tmp_path: Path) -> None:
    case = package(store, tmp_path)
    (tmp_path / "ca.pem").write_bytes(pem(authority("Root")[0]))
    assert verdict(case, "--tsa-ca", str(tmp_path / "ca.pem")) == 1
    other = make_store(tmp_path / "other")
    assert verdict(case, "--journal", str(store.root / "journal")) == 0
    assert verdict(case, "--journal", str(other.root / "journal")) == 1


def test_a_journal_with_another_beginning_or_a_segment_less_is_refused(store: Store, tmp_path: Path) -> None:
    case = package(store, tmp_path)
    journal = Path(shutil.copytree(store.root / "journal", tmp_path / "journal"))
    segment = journal / "00000001.log"
    content = segment.read_bytes()
    for at in (0, 20, 24, 30, 70, 90):
        segment.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert verdict(case, "--journal", str(journal)) == 1, at
    segment.write_bytes(content)
    (journal / "00000003.log").write_bytes(b"")
    assert verdict(case, "--journal", str(journal)) == 1


# --- time stamps ---------------------------------------------------------------------------------------------------

Made = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def authority(
    name: str, by: Made | None = None, *, ca: bool | None = True, signs: bool = True, usage: bool = False,
    critical: bool = True, length: int | None = None,
) -> Made:  # fmt: skip
    """A certificate with its key. ca None: it says nothing about that; usage: it may make time stamps."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1)).not_valid_after(NOW + datetime.timedelta(days=9))
    )  # fmt: skip
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, length if ca else None), critical=True)
    off = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    builder = builder.add_extension(
        x509.KeyUsage(digital_signature=True, key_cert_sign=signs and bool(ca), **off), critical=True
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=critical)
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    found = bytes([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        found += bytes(reversed(groups))
    return tlv(6, found)


SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"))
ECDSA = "1.2.840.10045.4.3.2"


def stamp_of(
    signature: bytes, unit: Made, *, without: str = "", twice: str = "", kind: str = verifier.STAMP_INFO,
    algorithm: str = ECDSA, signers: int = 1, names: x509.Certificate | None = None,
) -> bytes:  # fmt: skip
    """An authority's answer, written by hand so that it can be wrong in one thing."""
    imprint = tlv(0x30, SHA256, tlv(4, hashlib.sha256(signature).digest()))
    info = tlv(0x30, tlv(2, b"\1"), oid("1.2.3.4"), imprint, tlv(2, b"\7"), tlv(0x18, b"20261129120000Z"))
    named = (names or unit[0]).fingerprint(hashes.SHA256())
    attributes = {
        verifier.CONTENT_TYPE: oid(kind),
        verifier.DIGEST: tlv(4, hashlib.sha256(info).digest()),
        verifier.CERTIFICATE_V2: tlv(0x30, tlv(0x30, tlv(0x30, tlv(4, named)))),
    }
    listed = [tlv(0x30, oid(name), tlv(0x31, value)) for name, value in attributes.items() if name != without]
    listed += [tlv(0x30, oid(name), tlv(0x31, value)) for name, value in attributes.items() if name == twice]
    signed = b"".join(listed)
    serial = unit[0].serial_number.to_bytes(20, "big").lstrip(b"\0")
    serial = b"\0" + serial if serial[0] & 0x80 else serial
    signer = tlv(
        0x30, tlv(2, b"\1"), tlv(0x30, unit[0].issuer.public_bytes(), tlv(2, serial)), SHA256, tlv(0xA0, signed),
        tlv(0x30, oid(algorithm)), tlv(4, unit[1].sign(tlv(0x31, signed), ec.ECDSA(hashes.SHA256()))),
    )  # fmt: skip
    certificate = unit[0].public_bytes(serialization.Encoding.DER)
    data = tlv(
        0x30, tlv(2, b"\3"), tlv(0x31, SHA256), tlv(0x30, oid(verifier.STAMP_INFO), tlv(0xA0, tlv(4, info))),
        tlv(0xA0, certificate), tlv(0x31, *[signer] * signers),
    )  # fmt: skip
    return tlv(0x30, tlv(0x30, tlv(2, b"\0")), tlv(0x30, oid(verifier.SIGNED_DATA), tlv(0xA0, data)))


def test_a_time_stamp_says_what_it_must_and_nothing_else_is_taken_for_one() -> None:
    signature = KEY.sign(b"a statement")
    root = authority("Root")
    unit = authority("Stamps", root, ca=False, usage=True)
    moment, whose = verifier.check_stamp(stamp_of(signature, unit), signature, [root[0]])
    assert (moment, whose) == (NOW, "CN=Stamps")
    wrong = {
        "no content type": stamp_of(signature, unit, without=verifier.CONTENT_TYPE),
        "no digest": stamp_of(signature, unit, without=verifier.DIGEST),
        "no certificate named": stamp_of(signature, unit, without=verifier.CERTIFICATE_V2),
        "a digest twice": stamp_of(signature, unit, twice=verifier.DIGEST),
        "signed as something else": stamp_of(signature, unit, kind="1.2.840.113549.1.7.1"),
        "another hash": stamp_of(signature, unit, algorithm="1.2.840.10045.4.3.3"),
        "an unknown algorithm": stamp_of(signature, unit, algorithm="1.2.840.113549.1.1.5"),
        "two signers": stamp_of(signature, unit, signers=2),
        "no signer": stamp_of(signature, unit, signers=0),
        "another certificate": stamp_of(signature, unit, names=root[0]),
        "about something else": stamp_of(b"another signature", unit),
        "more behind it": stamp_of(signature, unit) + tlv(4, b"x"),
        "usage not critical": stamp_of(signature, authority("Stamps", root, ca=False, usage=True, critical=False)),
        "no usage": stamp_of(signature, authority("Stamps", root, ca=False)),
    }
    for what, stamp in wrong.items():
        with pytest.raises((verifier.Refused, x509.ExtensionNotFound, LookupError)):
            verifier.check_stamp(stamp, signature, [root[0]])
            pytest.fail(f"accepted: {what}")


def test_only_an_authority_issues_certificates_of_who_stamps() -> None:
    """Anybody with some certificate of a known authority could else issue one for stamps."""
    root = authority("Root")

    def accepted(*between: Made, trusted: x509.Certificate = root[0]) -> bool:
        unit = authority("Stamps", between[-1] if between else root, ca=False, usage=True)
        try:
            verifier.check_issuer(unit[0], [each[0] for each in between], [trusted], NOW)
        except verifier.Refused:
            return False
        return True

    assert accepted()
    assert accepted(authority("Between", root))
    for bad in (
        authority("Somebody", root, ca=False),
        authority("Somebody", root, ca=None),
        authority("Somebody", root, signs=False),
    ):
        assert not accepted(bad)
        assert not accepted(bad, trusted=bad[0])
    narrow = authority("Narrow", root, length=0)
    assert accepted(narrow)
    assert not accepted(narrow, authority("Below", narrow))
    unit = authority("Stamps", root, ca=False, usage=True)
    verifier.check_issuer(unit[0], [], [unit[0]], NOW)  # the very one that you trust
    with pytest.raises(verifier.Refused):
        verifier.check_issuer(unit[0], [], [root[0]], NOW + datetime.timedelta(days=30))
