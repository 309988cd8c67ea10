"""The recovery key survives paper and typing; keys are made once."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kit import paths, recovery, secrets


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSTKEEP_HOME", str(tmp_path))
    return tmp_path


@given(st.binary(min_size=32, max_size=32))
def test_what_is_shown_reads_back(private: bytes) -> None:
    shown = secrets.format_recovery_key(private)
    assert secrets.parse_recovery_key(shown) == private
    assert secrets.parse_recovery_key(shown.lower().replace("-", " ") + "\n") == private
    assert secrets.parse_recovery_key(shown.replace("O", "0").replace("I", "1").replace("B", "8")) == private


@given(st.binary(min_size=32, max_size=32), st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_mistyped_letter_is_noticed(private: bytes, at: int, letter: str) -> None:
    letters = list(secrets.format_recovery_key(private).replace("-", ""))
    if letters[at] != letter:
        letters[at] = letter
        with pytest.raises(secrets.SecretsError):
            secrets.parse_recovery_key("".join(letters))


@pytest.mark.parametrize("text", ["", "A", "hello world", "ä" * 56, "A" * 55, "A" * 64])
def test_what_is_no_recovery_key_is_refused(text: str) -> None:
    with pytest.raises(secrets.SecretsError):
        secrets.parse_recovery_key(text)


def test_only_the_public_half_of_the_recovery_key_is_kept(empty_home: Path) -> None:
    shown = secrets.make_recovery_key()
    private = secrets.parse_recovery_key(shown)
    assert secrets.public_of(private) == secrets.recovery_public()
    kept = b"".join(path.read_bytes() for path in (empty_home / "keys").iterdir())
    assert private not in kept
    assert private.hex().encode() not in kept
    assert shown.encode() not in kept


def test_there_is_one_recovery_key_only(empty_home: Path) -> None:
    secrets.make_recovery_key()
    public = secrets.recovery_public()
    with pytest.raises(secrets.SecretsError):
        secrets.make_recovery_key()
    assert secrets.recovery_public() == public


def test_a_recovery_key_that_nobody_saw_is_made_again_but_never_one_that_was_shown(empty_home: Path) -> None:
    secrets.make_recovery_key()
    secrets.discard_unshown_recovery_key()
    shown = secrets.make_recovery_key()
    paths.recovery_shown_mark().touch()
    secrets.discard_unshown_recovery_key()
    assert secrets.public_of(secrets.parse_recovery_key(shown)) == secrets.recovery_public()


def test_the_master_key_is_made_once_for_many_at_once(empty_home: Path) -> None:
    found: list[bytes] = []
    threads = [Thread(target=lambda: found.append(secrets.master_key())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) == secrets.KEY_BYTES
    assert (empty_home / "keys" / "master").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (empty_home / "keys").iterdir()] == ["master"]


def test_the_master_key_comes_from_the_configured_file(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = empty_home / "elsewhere"
    file.write_text(os.urandom(32).hex() + "\n")
    monkeypatch.setenv("POSTKEEP_MASTER_KEY_FILE", str(file))
    assert secrets.master_key().hex() == file.read_text().strip()
    file.write_text("short")
    with pytest.raises(secrets.SecretsError):
        secrets.master_key()
    file.unlink()
    with pytest.raises(secrets.SecretsError):
        secrets.master_key()


def test_the_first_confirmation_of_the_recovery_key_stands(empty_home: Path) -> None:
    assert recovery.confirmation() is None
    recovery.confirm("ann@example.org")
    recovery.confirm("bob@example.org")
    confirmed = recovery.confirmation()
    assert confirmed is not None
    assert confirmed.by == "ann@example.org"
