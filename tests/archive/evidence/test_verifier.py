"""The offline verifier: accepts what was exported, and refuses it after any one changed byte."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive.evidence.container import ZipWriter
from archive.evidence.packages import fingerprint, public_pem
from archive.store import Store
from tests.archive.evidence.making import MAILS, VERIFIER, add, load_verifier, make_package, make_store

verifier = load_verifier()
SEED = 20_261_129
SAMPLED = 150


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("evidence")
    store = make_store(place)
    add(store, [b"Subject: more\n\nOf the same.\n"])
    return store


@pytest.fixture(scope="module", params=["eml", "mbox"])
def package(request: pytest.FixtureRequest, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "case.zip"
    make_package(path, store, kind=request.param, numbers=[1, 2, 4])
    return path


@pytest.fixture
def folder(package: Path, tmp_path: Path) -> Path:
    """The same, unpacked by somebody else's program."""
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "case")
    return tmp_path / "case"


def verdict(path: Path, *options: str) -> int:
    return int(verifier.main([str(path), *options]))


def holds(path: Path) -> bool:
    """The same without reading options, for thousands of times."""
    options = argparse.Namespace(key=None, fingerprint=None, tsa_ca=None, journal=None)
    return int(verifier.verify(path, options)) == 0


def flip(path: Path, at: int) -> bytes:
    """Change one byte; the bytes as they were."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[at] ^= random.Random(at).randrange(1, 256)
    path.write_bytes(changed)
    return before


def test_a_package_is_accepted_as_a_zip_and_unpacked(package: Path, folder: Path) -> None:
    assert verdict(package) == 0
    assert verdict(folder) == 0


def test_it_runs_by_itself_and_says_in_words_what_holds(package: Path, tmp_path: Path) -> None:
    """Copied elsewhere, without anything of ours in reach."""
    script = shutil.copy(VERIFIER, tmp_path / "verify_package.py")
    done = subprocess.run(
        [sys.executable, "-I", script, package], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPTED: 3 messages are, byte for byte, what the archive kept." in done.stdout
    assert "DOES NOT" not in done.stdout


def test_the_verifier_needs_nothing_but_the_standard_library_and_cryptography() -> None:
    allowed = {*sys.stdlib_module_names, "cryptography"}
    lines = [line.split() for line in VERIFIER.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert {words[1].split(".")[0] for words in lines} <= allowed


def test_each_changed_byte_of_the_manifest_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = folder / "manifest.json"
    for at in range(manifest.stat().st_size):
        before = flip(manifest, at)
        assert not holds(folder), f"byte {at}"
        manifest.write_bytes(before)
        capsys.readouterr()
    assert verdict(folder) == 0


def test_each_changed_byte_of_a_small_file_and_many_of_each_other_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        size = path.stat().st_size
        positions = range(size) if size <= SAMPLED else sorted(chance.sample(range(size), SAMPLED))
        for at in positions:
            before = flip(path, at)
            assert not holds(folder), f"{path.name}, byte {at}, seed {SEED}"
            path.write_bytes(before)
        capsys.readouterr()
    assert verdict(folder) == 0


def test_any_changed_byte_of_the_zip_itself_is_refused(package: Path, tmp_path: Path) -> None:
    """Headers, times, comments and all: of each byte it is known what it must be."""
    print(f"seed {SEED}")
    copy = Path(shutil.copy(package, tmp_path / "copy.zip"))
    size = copy.stat().st_size
    chance = random.Random(SEED)
    for at in sorted({*chance.sample(range(size), min(size, 800)), *range(60), *range(size - 700, size)}):
        before = flip(copy, at)
        assert not holds(copy), f"byte {at}, seed {SEED}"
        copy.write_bytes(before)
    copy.write_bytes(copy.read_bytes() + b"\n")
    assert verdict(copy) == 1
    copy.write_bytes(package.read_bytes()[:-1])
    assert verdict(copy) == 1


def test_a_file_too_many_or_too_few_is_refused(folder: Path) -> None:
    (folder / "more.txt").write_text("hello")
    assert verdict(folder) == 1
    (folder / "more.txt").unlink()
    assert verdict(folder) == 0
    (folder / "log.json").unlink()
    assert verdict(folder) == 1


def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    log = folder / "log.json"
    log.rename(tmp_path / "elsewhere.json")
    log.symlink_to(tmp_path / "elsewhere.json")
    assert verdict(folder) == 1


def test_the_key_is_compared_with_the_one_that_is_known(store: Store, tmp_path: Path) -> None:
    key = make_package(tmp_path / "case.zip", store)
    public = key.public_key()
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    right.write_bytes(public_pem(public))
    wrong.write_bytes(public_pem(Ed25519PrivateKey.generate().public_key()))
    assert verdict(tmp_path / "case.zip", "--key", str(right)) == 0
    assert verdict(tmp_path / "case.zip", "--key", str(wrong)) == 1
    assert verdict(tmp_path / "case.zip", "--fingerprint", fingerprint(public.public_bytes_raw())) == 0
    assert verdict(tmp_path / "case.zip", "--fingerprint", "00" * 32) == 1


def test_whoever_signs_a_changed_package_anew_has_another_key_and_no_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole manifest rewritten, hashes and all, by somebody with a key of their own."""
    log, forger = folder / "log.json", Ed25519PrivateKey.generate()
    public = forger.public_key().public_bytes_raw()
    log.write_bytes(b"[{}]\n")
    (folder / "public-key.pem").write_bytes(public_pem(forger.public_key()))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["key"] = public.hex()
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sig").write_text(f"{public.hex()} {forger.sign(text).hex()}\n")
    assert verdict(folder) == 1
    assert "signed with another key than the package" in capsys.readouterr().out


def test_a_copy_of_the_journal_is_checked_without_its_key(store: Store, tmp_path: Path) -> None:
    make_package(tmp_path / "case.zip", store)
    journal = Path(shutil.copytree(store.root / "journal", tmp_path / "journal"))
    assert verdict(tmp_path / "case.zip", "--journal", str(journal)) == 0
    segment = journal / "00000001.log"
    segment.write_bytes(segment.read_bytes()[:-1])
    assert verdict(tmp_path / "case.zip", "--journal", str(journal)) == 1


def test_what_is_no_package_is_refused_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "some.zip").write_bytes(b"PK\3\4 and so on")
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert verdict(tmp_path / "some.zip") == 1
    assert verdict(tmp_path / "empty.zip") == 1
    assert verdict(tmp_path / "folder") == 1
    assert verdict(tmp_path / "missing.zip") == 2


def test_messages_leave_as_they_came_in(store: Store, tmp_path: Path) -> None:
    make_package(tmp_path / "case.zip", store, numbers=[1, 2, 3, 4])
    with zipfile.ZipFile(tmp_path / "case.zip") as archive:
        found = [archive.read(f"messages/{n:06d}.eml") for n in range(1, 5)]
    assert found == MAILS


def test_a_wide_zip_is_read_by_others_and_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "wide.zip"
    writer = ZipWriter(path, wide=True)
    for name in ("a.txt", "b/c.txt"):
        writer.begin(name)
        writer.write(name.encode() * 10)
        writer.end()
    writer.close()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("b/c.txt") == b"b/c.txt" * 10
    assert verifier.Zip(path).names == ["a.txt", "b/c.txt"]
    size = path.stat().st_size
    for at in range(size):
        before = flip(path, at)
        with pytest.raises((verifier.Refused, ValueError)):
            content = verifier.Zip(path)
            verifier.need(b"".join(content.pieces("a.txt")) == b"a.txt" * 10, "changed")
            verifier.need(b"".join(content.pieces("b/c.txt")) == b"b/c.txt" * 10, "changed")
        path.write_bytes(before)


def test_an_empty_option_is_refused_and_switches_no_check_off(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("--fingerprint", "--key", "--tsa-ca", "--journal"):
        assert verifier.main([str(package), name, ""]) == 2
        assert f"{name} is empty" in capsys.readouterr().err


def test_what_a_package_says_of_itself_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    verifier.say("a reason\n  Key         0000\x1b[2J\u202e")
    assert capsys.readouterr().out == "a reason\\n  Key         0000\\x1b[2J\\u202e\n"
