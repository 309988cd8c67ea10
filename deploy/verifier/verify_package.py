#!/usr/bin/env python3
"""Checks a package of archived mail, offline and without Postkeep: python3 verify_package.py PACKAGE.zip

It needs Python 3.11 or newer and the package "cryptography" (pip install cryptography), nothing else, and it changes
nothing. It says in plain words what holds and what doesn't, and ends with 0 (all of it holds), 1 (something doesn't, or
the file isn't a package) or 2 (it could not be looked at: no such file, wrong arguments). What each check means, and
the format of a package byte by byte: README.md beside this file.

    --fingerprint TEXT   the fingerprint of the server's key, as its people told you by another way; or
    --key FILE           the key itself, as they gave it to you (PEM)
    --tsa-ca FILE        certificates (PEM) of time stamping authorities you trust
    --journal FOLDER     a copy of a store's folder "journal": checks the chain of its records too, without its key

Python looks for modules beside a program, so a file "json.py" in the same folder could answer in its place. It begins
itself anew without that ("python3 -I"), and says so.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.isolated:  # before anything that a file beside this one could replace
    import os  # there since Python began

    if os.name != "posix":
        print(f"Run it as: python -I {sys.argv[0]} …  (so that no other file in this folder is run)", file=sys.stderr)
        sys.exit(2)
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]])  # noqa: PTH100, S606

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import cryptography
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

CHUNK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Refused(Exception):
    """Something does not hold; the text says what."""


def say(text: str) -> None:
    """Print one line. What a package says of itself can't move the cursor, begin lines of its own or hide others."""
    print("".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text))


def need(holds: bool, text: str) -> None:
    if not holds:
        raise Refused(text)


# --- where the files are: a folder, or a .zip -------------------------------------------------------------------------


class Folder:
    """The files of a package that was unpacked into a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: list[str] = []
        for place, folders, files in os.walk(root):
            for name in folders + files:
                path = Path(place) / name
                need(not path.is_symlink(), f"“{path}” is a link; a package has none")
                need(stat.S_ISREG(path.lstat().st_mode) or name in folders, f"“{path}” is no file")
            need(bool(files or folders) or Path(place) == root, f"the folder “{place}” is empty; a package has none")
            self.names += [(Path(place) / name).relative_to(root).as_posix() for name in files]

    def pieces(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        with (self.root / name).open("rb") as file:
            file.seek(start)
            while piece := file.read(CHUNK if length is None else min(CHUNK, length)):
                length = None if length is None else length - len(piece)
                yield piece


class Zip:
    """The files of a package in its .zip, of which every single byte must be what the names and contents ask for."""

    LOCAL, CENTRAL = struct.Struct("<4sHHHHHIIIHH"), struct.Struct("<4sHHHHHHIIIHHHHHII")

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb")
        self.total = path.stat().st_size
        self.places: dict[str, tuple[int, int]] = {}
        at = 0
        directory = []
        self.wide: bool | None = None
        while (head := self.at(at, self.LOCAL.size)).startswith(b"PK\3\4"):
            need(len(head) == self.LOCAL.size, "the .zip ends in the middle")
            version, name_size, size = *self.LOCAL.unpack(head)[1:10:8], self.LOCAL.unpack(head)[8]
            self.wide = version == 45 if self.wide is None else self.wide
            raw = self.at(at + self.LOCAL.size, name_size)
            if self.wide:
                size = int.from_bytes(self.at(at + self.LOCAL.size + name_size + 12, 8), "little")
            start = at + self.LOCAL.size + name_size + (20 if self.wide else 0)
            need(start + size <= self.total, "the .zip ends in the middle")
            crc = 0
            for piece in self.read(start, size):
                crc = zlib.crc32(piece, crc)
            need(self.at(at, start - at) == self.local(raw, crc, size), f"the .zip's header at byte {at} was changed")
            name = raw.decode("ascii", "replace")
            need(name not in self.places, f"“{name}” is in the .zip twice")
            self.places[name] = (start, size)
            directory.append(self.central(raw, crc, size, at))
            at = start + size
        self.names = list(self.places)
        need(bool(self.names), "this is neither a folder nor a .zip of a package")
        listed = b"".join(directory)
        rest = listed + self.ending(len(directory), at, len(listed))
        need(self.total - at == len(rest) and self.at(at, len(rest)) == rest, "the .zip's directory was changed")

    def at(self, start: int, length: int) -> bytes:
        self.file.seek(start)
        return self.file.read(length)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        self.file.seek(start)
        while length and (piece := self.file.read(min(CHUNK, length))):
            length -= len(piece)
            yield piece

    def pieces(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        first, size = self.places[name]
        yield from self.read(first + start, max(min(size - start, size if length is None else length), 0))

    # The only bytes that a package's .zip may have around its contents (the ZIP format; stored, 1 January 1980).

    def local(self, name: bytes, crc: int, size: int) -> bytes:
        extra = struct.pack("<HHQQ", 1, 16, size, size) if self.wide else b""
        shown = 0xFFFFFFFF if self.wide else size
        version = 45 if self.wide else 20
        head = self.LOCAL.pack(b"PK\3\4", version, 0, 0, 0, 0x21, crc, shown, shown, len(name), len(extra))
        return head + name + extra

    def central(self, name: bytes, crc: int, size: int, start: int) -> bytes:
        extra = struct.pack("<HHQQQ", 1, 24, size, size, start) if self.wide else b""
        version = 45 if self.wide else 20
        size, start = (0xFFFFFFFF, 0xFFFFFFFF) if self.wide else (size, start)
        lengths = (len(name), len(extra), 0, 0, 0)
        head = self.CENTRAL.pack(
            b"PK\1\2", 3 << 8 | version, version, 0, 0, 0, 0x21, crc, size, size, *lengths, 0o100644 << 16, start
        )
        return head + name + extra

    def ending(self, count: int, start: int, length: int) -> bytes:
        if not self.wide:
            return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, length, start, 0)
        far = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 3 << 8 | 45, 45, 0, 0, count, count, length, start)
        place = struct.pack("<4sIQI", b"PK\6\7", 0, start + length, 1)
        most = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
        return far + place + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *most, 0)


Source = Folder | Zip


# --- the checks -------------------------------------------------------------------------------------------------------


def check_signature(source: Source) -> tuple[dict[str, Any], bytes]:
    """The manifest is, to the byte, what the server signed. Gives back what it says, and the key."""
    for name in ("manifest.json", "manifest.sig"):
        need(name in source.names, f"“{name}” is missing")
    text = b"".join(source.pieces("manifest.json"))
    signature = b"".join(source.pieces("manifest.sig"))
    shape = re.fullmatch(rb"([0-9a-f]{64}) ([0-9a-f]{128})\n", signature)
    if shape is None:
        raise Refused("“manifest.sig” is not a signature")
    key = bytes.fromhex(shape[1].decode())
    if not is_signed(key, bytes.fromhex(shape[2].decode()), text):
        raise Refused("“manifest.json” is not what was signed: it, or the signature, was changed")
    manifest: dict[str, Any] = json.loads(text, object_pairs_hook=once)
    need(manifest["format"] == "postkeep package", "this is not a package of archived mail")
    need(manifest["version"] == 1, f"this program reads version 1 of packages, this one is {manifest['version']}")
    need(manifest["key"] == key.hex(), "the manifest names another key than the one it is signed with")
    return manifest, key


P = 2**255 - 19
# y of the points whose order divides 8: for such a "key" there are signatures that fit any text (RFC 8032 §5.1).
SMALL = {0, 1, P - 1, *(int.from_bytes(bytes.fromhex(text), "little") for text in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
))}  # fmt: skip


def is_signed(key: bytes, signature: bytes, text: bytes) -> bool:
    """Ed25519, with a key that is one."""
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    if y >= P or y in SMALL:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON in which no name stands twice, since programs differ in which of the two counts."""
    found = dict(pairs)
    need(len(found) == len(pairs), "a name stands twice in the same place")
    return found


def check_key(key: bytes, options: argparse.Namespace) -> None:
    """It is the key that the server's people told us of."""
    if options.key:
        given = serialization.load_pem_public_key(Path(options.key).read_bytes())
        if not isinstance(given, Ed25519PublicKey):
            raise Refused("the key you gave is of another kind")
        need(given.public_bytes_raw() == key, "the package is signed with another key than the one you gave")
    if options.fingerprint:
        wanted = re.sub(r"[\s:]", "", options.fingerprint).lower()
        need(hashlib.sha256(key).hexdigest() == wanted, "the key's fingerprint is another than the one you gave")


def check_files(source: Source, manifest: dict[str, Any]) -> None:
    """The files are those the manifest lists, all of them and no others, and none was changed."""
    listed = {entry["path"]: entry for entry in manifest["files"]}
    need(all(NAME.fullmatch(name) for name in listed), "a file has a name that a package can't have")
    need(len(listed) == len(manifest["files"]), "the manifest lists a file twice")
    folded = {name.lower() for name in listed}
    need(len(folded) == len(listed), "two files have names that some computers take for the same")
    there = set(source.names) - {"manifest.json", "manifest.sig"}
    problems = [f"“{name}” is missing" for name in sorted(listed.keys() - there)]
    problems += [f"“{name}” does not belong to the package" for name in sorted(there - listed.keys())]
    for name in sorted(there & listed.keys()):
        digest, size = hashlib.sha256(), 0
        for piece in source.pieces(name):
            digest.update(piece)
            size += len(piece)
        if (size, digest.hexdigest()) != (listed[name]["size"], listed[name]["sha256"]):
            problems.append(f"“{name}” was changed")
    need(not problems, "; ".join(problems[:20]) + ("; and more" if len(problems) > 20 else ""))


def check_public_key(source: Source, key: bytes) -> None:
    """The file with the public key holds the key of the signature."""
    kind = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    wanted = Ed25519PublicKey.from_public_bytes(key).public_bytes(*kind)
    need(b"".join(source.pieces("public-key.pem")) == wanted, "“public-key.pem” holds another key")


NUMBERS, DIGESTS = ("number", "size", "date", "archived_ms", "record", "leaf"), ("sha256", "chain")


def check_messages(source: Source, manifest: dict[str, Any]) -> None:
    """Every message is in the files and has the SHA-256 that its store's journal names; nothing else is in them."""
    sizes = {entry["path"]: entry["size"] for entry in manifest["files"]}
    need(manifest["kind"] in ("eml", "mbox"), "this program reads messages as .eml and as mbox only")
    for number, message in enumerate(manifest["messages"], 1):
        plain = [type(message[name]) is int for name in NUMBERS]
        plain += [re.fullmatch("[0-9a-f]{64}", message[name]) is not None for name in DIGESTS]
        plain.append(re.fullmatch("[0-9a-f]{32}", message["salt"]) is not None)
        need(all(plain), f"what the manifest says of message {number} has another form than it must have")
        need(message["file"] in sizes, f"message {number}: its file is not in the package")
    used = check_mbox(source, manifest, sizes) if manifest["kind"] == "mbox" else check_mails(source, manifest)
    strays = sorted(name for name in sizes if name.startswith("messages") and name not in used)
    need(not strays, f"nothing says where “{''.join(strays[:1])}” comes from")


def check_mails(source: Source, manifest: dict[str, Any]) -> set[str]:
    """One file a message."""
    used: set[str] = set()
    for number, message in enumerate(manifest["messages"], 1):
        name = message["file"]
        need(name.startswith("messages/") and name not in used, f"two messages have the same file “{name}”")
        used.add(name)
        need_same(number, message, source.pieces(name))
    return used


def check_mbox(source: Source, manifest: dict[str, Any], sizes: dict[str, int]) -> set[str]:
    """One file of all: a line “From …”, the message with such lines quoted, an empty line, and again; nothing else."""
    name, at = "messages.mbox", 0
    need(name in sizes, "“messages.mbox” is missing")
    for number, message in enumerate(manifest["messages"], 1):
        need(message["file"] == name, f"message {number}: its file is not the mbox")
        start, length = message["offset"], message["length"]
        need(type(start) is int and type(length) is int and length >= 0, f"message {number} has no place")
        need(at <= start <= at + 200, f"message {number} does not begin where the one before it ends")
        between = b"".join(source.pieces(name, at, start - at))
        mark = re.fullmatch(rb"From MAILER-DAEMON [A-Za-z]{3} [A-Za-z]{3} [ 0-9][0-9] [0-9:]{8} [0-9]{4,5}\n", between)
        need(mark is not None, f"something else than the line “From …” stands before message {number}")
        need(start + length <= sizes[name], f"message {number} is longer than its file")
        quoted = b"".join(source.pieces(name, start, length))
        need(re.search(rb"(?m)^From ", quoted) is None, f"message {number} has a line “From …” that is not quoted")
        need_same(number, message, [re.sub(rb"(?m)^>(>*From )", rb"\1", quoted)])
        gap = b"\n" if quoted.endswith(b"\n") else b"\n\n"
        at = start + length + len(gap)
        need(
            b"".join(source.pieces(name, start + length, len(gap))) == gap, f"message {number} does not end as it must"
        )
    need(at == sizes[name], "something stands behind the last message")
    return {name}


def need_same(number: int, message: dict[str, Any], pieces: Iterable[bytes]) -> None:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    same = (digest.hexdigest(), size) == (message["sha256"], message["size"])
    need(same, f"message {number} (“{message['file']}”) is not the one that was archived")


def check_checkpoint(entry: dict[str, Any], key: bytes) -> dict[str, Any]:
    """The statement about a store's journal is signed, and by the same key as the package."""
    checkpoint = entry["checkpoint"]
    text = checkpoint["statement"].encode()
    signer = bytes.fromhex(checkpoint["key"])
    need(is_signed(signer, bytes.fromhex(checkpoint["signature"]), text), "the checkpoint's signature does not hold")
    need(signer == key, "the checkpoint is signed with another key than the package")
    statement: dict[str, Any] = json.loads(text, object_pairs_hook=once)
    need(statement["kind"] == "postkeep checkpoint" and statement["version"] == 1, "it is no checkpoint")
    need(statement["store"] == entry["store"], "the checkpoint is of another store")
    return statement


def leaf_hash(message: dict[str, Any]) -> bytes:
    """RFC 6962 §2.1: what the tree's leaf of a message is made of."""
    names = ("number", "sha256", "size", "date", "archived_ms", "record", "chain", "salt")
    text = "postkeep message\n" + "".join(f"{message[name]}\n" for name in names)
    return hashlib.sha256(b"\0" + text.encode()).digest()


def tree_hash(first: int, count: int, leaves: dict[int, bytes], places: list[int], nodes: Iterator[bytes]) -> bytes:
    """RFC 6962 §2.1: the hash over `count` leaves from `first` on; parts without one of ours come from the package."""
    at = bisect_left(places, first)
    if at == len(places) or places[at] >= first + count:
        return next(nodes)
    if count == 1:
        return leaves[first]
    half = 1 << ((count - 1).bit_length() - 1)
    left = tree_hash(first, half, leaves, places, nodes)
    right = tree_hash(first + half, count - half, leaves, places, nodes)
    return hashlib.sha256(b"\1" + left + right).digest()


def check_tree(entry: dict[str, Any], statement: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    """The messages are among those that the journal had named when the checkpoint was signed."""
    leaves = {message["leaf"]: leaf_hash(message) for message in messages}
    need(len(leaves) == len(messages), "two messages claim the same place in the store")
    places = sorted(leaves)
    need(not places or 0 <= places[0] <= places[-1] < statement["messages"], "a message has a place that isn't there")
    for message in messages:
        need(1 <= message["record"] <= statement["record"], "a message was archived after the checkpoint")
    nodes = iter([bytes.fromhex(node) for node in entry["nodes"]])
    if not places:
        return
    try:
        root = tree_hash(0, statement["messages"], leaves, places, nodes)
    except StopIteration:
        raise Refused("hashes that lead to the checkpoint are missing") from None
    need(next(nodes, None) is None, "there are more hashes than the way to the checkpoint has")
    need(root.hex() == statement["root"], "the messages do not lead to the checkpoint: they were not in this store so")


# --- time stamps (RFC 3161, in CMS: RFC 5652) -------------------------------------------------------------------------

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256, "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}  # fmt: skip
# The hash that is part of a signature's algorithm, where it is; one that names none (a key alone) takes the digest's.
SIGNED_WITH = {
    "1.2.840.113549.1.1.11": hashes.SHA256, "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512, "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384, "1.2.840.10045.4.3.4": hashes.SHA512, "1.2.840.113549.1.1.1": None,
}  # fmt: skip
SIGNED_DATA, STAMP_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
CERTIFICATE, CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"


def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The values one after another in DER: (tag, content, the whole of it)."""
    found: list[tuple[int, bytes, bytes]] = []
    at = 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[at + 2 : start], "big")
        need(start + size <= len(data), "the time stamp is cut off")
        found.append((tag, data[start : start + size], data[at : start + size]))
        at = start + size
    return found


def oid(content: bytes) -> str:
    numbers: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))


def digest_of(algorithm: bytes, data: bytes) -> tuple[bytes, hashes.HashAlgorithm]:
    kind = HASHES.get(oid(der(algorithm)[0][1]))
    if kind is None:
        raise Refused("the time stamp uses a hash that this program does not know")
    digest = hashes.Hash(kind())
    digest.update(data)
    return digest.finalize(), kind()


def check_stamp(stamp: bytes, signature: bytes, authorities: list[x509.Certificate]) -> tuple[datetime.datetime, str]:
    """The authority's answer is about this signature, and signed by it. Gives back its time and its name."""
    whole = der(stamp)
    need(len(whole) == 1, "something stands behind the time stamp")
    status, token = der(whole[0][1])
    need(der(status[1])[0][1] in (b"\0", b"\1"), "the authority refused to stamp")
    kind, wrapped = der(token[1])
    need(oid(kind[1]) == SIGNED_DATA, "the time stamp is no signed data")
    signed = der(der(wrapped[1])[0][1])
    content = der(der(signed[2][1])[1][1])[0][1]
    need(oid(der(signed[2][1])[0][1]) == STAMP_INFO, "what is signed is no time stamp")
    info = der(der(content)[0][1])
    algorithm, imprint = der(info[2][1])
    need(digest_of(algorithm[1], signature)[0] == imprint[1], "the time stamp is about something else")
    time = next(value for tag, value, _whole in info if tag == 0x18).decode()
    moment = datetime.datetime.strptime(time.split(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=datetime.UTC)
    certificates = [x509.load_der_x509_certificate(whole) for _tag, _value, whole in
                    [each for tag, value, _ in signed if tag == 0xA0 for each in der(value)]]  # fmt: skip
    signers = der(signed[-1][1])
    need(signed[-1][0] == 0x31 and len(signers) == 1, "a time stamp is signed by one, not by several")
    certificate = check_signer(der(signers[0][1]), content, certificates)
    need(
        certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc,
        "the authority's certificate was not valid at that time",
    )
    if authorities:
        check_issuer(certificate, certificates, authorities, moment)
    return moment, certificate.subject.rfc4514_string()


def check_signer(
    signer: list[tuple[int, bytes, bytes]], content: bytes, certificates: list[x509.Certificate]
) -> x509.Certificate:
    """RFC 5652 §5.4, RFC 3161 §2.4.2: what is signed names the content's kind, its hash, its certificate."""
    attributes = signer[3]
    need(attributes[0] == 0xA0, "the time stamp has no signed attributes")
    said: dict[str, list[bytes]] = {}
    for _tag, value, _whole in der(attributes[1]):
        name, values = der(value)
        need(oid(name[1]) not in said, "a signed attribute of the time stamp stands twice")
        said[oid(name[1])] = [each for _tag, each, _whole in der(values[1])]
    digest, kind = digest_of(signer[2][1], content)
    need([oid(each) for each in said.get(CONTENT_TYPE, ())] == [STAMP_INFO], "the signature is not of a time stamp")
    need(said.get(DIGEST) == [digest], "the time stamp's content was changed")
    named = oid(der(signer[4][1])[0][1])
    need(named in SIGNED_WITH or named == "1.2.840.10045.2.1", "the time stamp is signed in a way not known here")
    need(SIGNED_WITH.get(named) in (None, type(kind)), "the time stamp is signed with another hash than it says")
    issuer, serial = der(signer[1][1])
    number = int.from_bytes(serial[1], "big")
    certificate = next(
        (each for each in certificates if each.serial_number == number and each.issuer.public_bytes() == issuer[2]),
        None,
    )
    if certificate is None:
        raise Refused("the time stamp lacks the certificate of who signed it")
    need(names_certificate(said, certificate), "what is signed names another certificate")
    try:
        verify_with(certificate.public_key(), signer[5][1], b"\x31" + attributes[2][1:], kind)
    except InvalidSignature:
        raise Refused("the time stamp's signature does not hold") from None
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    only = usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    need(only, "who signed the time stamp may not make any")
    return certificate


def names_certificate(said: dict[str, list[bytes]], certificate: x509.Certificate) -> bool:
    """RFC 5035: the hash of the signer's certificate is itself signed, so that no other can be put in its place."""
    if CERTIFICATE_V2 in said:
        first = der(der(der(said[CERTIFICATE_V2][0])[0][1])[0][1])
        kind = HASHES.get(oid(der(first[0][1])[0][1])) if first[0][0] == 0x30 else hashes.SHA256
        hashed = first[1][1] if first[0][0] == 0x30 else first[0][1]
        return kind is not None and certificate.fingerprint(kind()) == hashed
    if CERTIFICATE in said:
        first = der(der(der(said[CERTIFICATE][0])[0][1])[0][1])
        return certificate.fingerprint(hashes.SHA1()) == first[0][1]  # noqa: S303  (which the old form has)
    return False


def verify_with(key: CertificatePublicKeyTypes, signature: bytes, data: bytes, kind: hashes.HashAlgorithm) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), kind)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(kind))
    else:
        raise Refused("the time stamp is signed in a way that this program does not know")


def check_issuer(
    certificate: x509.Certificate, others: list[x509.Certificate], authorities: list[x509.Certificate],
    moment: datetime.datetime,
) -> None:  # fmt: skip
    """A chain of certificates leads from the stamp's to one that you trust; who issues one is allowed to."""
    at = certificate
    for step in range(8):
        for trusted in authorities:
            if trusted == at or (issued(at, trusted) and may_issue(trusted, step, moment)):
                return
        issuer = next(
            (each for each in others if each != at and issued(at, each) and may_issue(each, step, moment)), None
        )
        if issuer is None:
            break
        at = issuer
    raise Refused("the time stamp is not of an authority that you trust")


def may_issue(by: x509.Certificate, below: int, moment: datetime.datetime) -> bool:
    """RFC 5280 §4.2.1.9, §4.2.1.3: it is a certificate authority, with so many others below it, and was valid then."""
    try:
        basic = by.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        signs = by.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    deep_enough = basic.path_length is None or basic.path_length >= below
    return basic.ca and signs and deep_enough and by.not_valid_before_utc <= moment <= by.not_valid_after_utc


def issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


# --- the journal's chain ----------------------------------------------------------------------------------------------


HEADER, HEAD = struct.Struct("<4s16sIQ32s24x8s"), struct.Struct("<IQ12x")


def journal_of(folder: str) -> str:
    """Of which store a copy of a journal is. Raises: Refused."""
    first = Path(folder) / f"{1:08d}.log"
    need(first.is_file(), "the copy of the journal has no first segment")
    with first.open("rb") as file:
        return file.read(20)[4:].hex()


def check_journal(folder: str, statement: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    """A copy of the journal (encrypted as it is) ends in the checkpoint's chain, and has the messages' records."""
    wanted: dict[int, str] = {statement["record"]: statement["chain"]} if statement["record"] else {}
    for message in messages:
        known = wanted.setdefault(message["record"], message["chain"])
        need(known == message["chain"], f"two messages of record {message['record']} name different chains")
    chain, sequence, torn = bytes(32), 0, ""
    paths = sorted(Path(folder).iterdir())
    for number, path in enumerate(paths, 1):
        need(
            path.name == f"{number:08d}.log", f"“{path.name}” is no segment of the journal, or one before it is missing"
        )
        need(not torn, torn)
        with path.open("rb") as file:
            head = file.read(HEADER.size)
            identity = bytes.fromhex(statement["store"])
            plain = HEADER.pack(b"PKJ1", identity, number, sequence + 1, chain, bytes(8))
            right = plain[:-8] + hashlib.sha256(plain[:-8]).digest()[:8]
            need(head == right, f"“{path.name}” does not begin as it must after the one before it")
            while start := file.read(HEAD.size):
                length, found = HEAD.unpack(start) if len(start) == HEAD.size else (0, 0)
                rest = file.read(length + 32)
                if len(start) < HEAD.size or len(rest) < length + 32:
                    torn = f"“{path.name}” ends in the middle of a record, and goes on in another file"
                    break
                chain = hashlib.sha256(chain + start + rest[:length]).digest()
                sequence += 1
                need(found == sequence and chain == rest[length:], f"record {sequence} does not fit the chain")
                need(wanted.pop(sequence, chain.hex()) == chain.hex(), f"record {sequence} is another one")
    need(not wanted, f"the journal ends at record {sequence}, before what the package speaks of")


# --- telling ----------------------------------------------------------------------------------------------------------


Found = TypeVar("Found")
Arguments = TypeVarTuple("Arguments")


class Report:
    """Says of each check whether it holds."""

    def __init__(self) -> None:
        self.failed = 0
        self.journals = 0

    def check(self, text: str, function: Callable[[*Arguments], Found], *arguments: *Arguments) -> Found | None:
        """What the function gives back, or None where it doesn't hold."""
        try:
            found = function(*arguments)
        except Refused as refusal:
            why = str(refusal)
        except (ValueError, KeyError, TypeError, LookupError, AttributeError, StopIteration, RecursionError,
                OverflowError, OSError, struct.error, x509.ExtensionNotFound) as error:  # fmt: skip
            why = f"it can't be read ({type(error).__name__}: {error})"
        else:
            say(f"  holds       {text}")
            return found
        self.failed += 1
        say(f"  DOES NOT    {text}")
        say(f"              {why}")
        return None


def verify(path: Path, options: argparse.Namespace) -> int:
    report = Report()
    say(str(path))
    where = Path(cryptography.__file__).parent
    alone = "nothing beside this program is run" if sys.flags.isolated else "NOT ISOLATED: run it with python3 -I"
    say(f"Python {sys.version.split()[0]}, cryptography {cryptography.__version__} of {where}; {alone}")
    print()
    opened = report.check("It can be opened, and nothing was put around the files", open_package, path)
    if opened is None:
        return conclude(report, 0)
    signed = report.check("The manifest is what the server signed", check_signature, opened)
    if signed is None:
        return conclude(report, 0)
    manifest, key = signed
    if options.key or options.fingerprint:
        report.check("It is signed with the key you know", check_key, key, options)
    report.check("The files are all there, no others, none changed", check_files, opened, manifest)
    report.check("The public key in it is the one it is signed with", check_public_key, opened, key)
    report.check("Each message has the bytes that were archived", check_messages, opened, manifest)
    for entry in manifest["stores"]:
        verify_store(report, entry, manifest, key, options)
    known = {entry["store"] for entry in manifest["stores"]}
    need_once = len(known) == len(manifest["stores"])
    report.check("Each store is named once", need, need_once, "a store is named twice")
    stray = [message for message in manifest["messages"] if message["store"] not in known]
    report.check("Each message is of a store that vouches for it", need, not stray, "some are of no store")
    if options.journal:
        report.check("The copy of a journal is of a store in it", need, report.journals > 0, "it is of another store")
    describe(manifest, key, options)
    return conclude(report, len(manifest["messages"]))


def open_package(path: Path) -> Source:
    need(path.is_dir() or path.is_file(), "there is no such file")
    return Folder(path) if path.is_dir() else Zip(path)


def verify_store(
    report: Report, entry: dict[str, Any], manifest: dict[str, Any], key: bytes, options: argparse.Namespace
) -> None:
    name = f"Store {entry['store'][:8]}…"
    statement = report.check(f"{name}: its checkpoint is signed by the same server", check_checkpoint, entry, key)
    if statement is None:
        return
    messages = [message for message in manifest["messages"] if message["store"] == entry["store"]]
    said = f"{name}: its journal named these {len(messages)} messages when the checkpoint was signed"
    report.check(said, check_tree, entry, statement, messages)
    if options.tsa_ca and not entry["checkpoint"]["stamp"]:
        report.check(f"{name}: a time stamp is on the checkpoint", need, False, "there is none")
    if entry["checkpoint"]["stamp"]:
        stamp = base64.b64decode(entry["checkpoint"]["stamp"])
        signature = bytes.fromhex(entry["checkpoint"]["signature"])
        trusted = x509.load_pem_x509_certificates(Path(options.tsa_ca).read_bytes()) if options.tsa_ca else []
        found = report.check(f"{name}: a time stamp is on the checkpoint", check_stamp, stamp, signature, trusted)
        if found is not None:
            whose = "an authority that you trust" if trusted else "an authority whose certificate you have to judge"
            say(f"              {found[0]:%Y-%m-%d %H:%M:%S} UTC, by {found[1]}, {whose}")
    if options.journal and report.check("The copy of a journal is one", journal_of, options.journal) == entry["store"]:
        report.check(f"{name}: the copy of its journal agrees", check_journal, options.journal, statement, messages)
        report.journals += 1
    say(f"              the server says it signed this at {statement['at']}, after record {statement['record']}")


def describe(manifest: dict[str, Any], key: bytes, options: argparse.Namespace) -> None:
    text = hashlib.sha256(key).hexdigest()
    print()
    say(f"  Made        {manifest['made']} by {manifest['made_by']} on {manifest['server']}")
    say(f"  Because     {manifest['reason']}")
    print(f"  Key         {' '.join(text[at : at + 4] for at in range(0, 64, 4))}")
    if not (options.key or options.fingerprint):
        print(
            "              Ask the server's people for this fingerprint by another way, and compare: anybody can make"
        )
        print("              a key, and only this tells you whose package it is.")
    for missing in manifest["left_out"]:
        say(f"  Left out    {missing['id']}: {missing['reason']}")


def conclude(report: Report, messages: int) -> int:
    if report.failed:
        print(f"\nREFUSED: {report.failed} of these don't hold. Don't rely on this package.")
        return 1
    print(f"\nACCEPTED: {messages} messages are, byte for byte, what the archive kept.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a package of archived mail, offline.")
    parser.add_argument("package", type=Path, help="the .zip, or a folder it was unpacked into")
    parser.add_argument("--fingerprint", help="the fingerprint of the server's key")
    parser.add_argument("--key", help="the server's key (PEM)")
    parser.add_argument("--tsa-ca", help="certificates of time stamping authorities that you trust (PEM)")
    parser.add_argument("--journal", help="a copy of the store's folder “journal”")
    options = parser.parse_args(arguments)
    for name in ("fingerprint", "key", "tsa_ca", "journal"):  # an unset shell variable must not switch a check off
        if getattr(options, name) == "":
            print(f"--{name.replace('_', '-')} is empty.", file=sys.stderr)
            return 2
    for path in filter(None, (options.package, options.key, options.tsa_ca, options.journal)):
        if not Path(path).exists():
            print(f"There is no “{path}”.", file=sys.stderr)
            return 2
    return verify(options.package, options)


if __name__ == "__main__":
    sys.exit(main())
