"""Files of skins that mean nothing here: kept for a domain or the server, and given back as they came, with the time
they were stored. Which skins there are is kept with them. Sealed like settings (`keeping`).

Not for the logo, which is the branding's (`commands.skins`), and not for anything that pages show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from django.utils import timezone

from accounts.actors import Actor
from api.communigate import keeping
from api.communigate.format import Value
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.refusing import Refused
from domains.models import Domain

INDEX = "skins"
MOST_FILES = 500  # of one place, in all its skins
LONGEST_NAME = 200
Files = dict[str, tuple[int, datetime]]  # name: size in bytes, when it was stored


def skins(of: Domain | None) -> dict[str, Files]:
    """The skins that were made, each with its files."""
    found: dict[str, Files] = {}
    for skin, files in keeping.kept(INDEX, of).items():
        lines = cast("dict[str, list[Value]]", files)
        found[skin] = {name: (cast("int", line[0]), cast("datetime", line[1])) for name, line in lines.items()}
    return found


def make(actor: Actor, of: Domain | None, skin: str) -> None:
    """Raises: Refused (there is one, or none without a name yet, or no more fit)."""
    present = skins(of)
    if skin in present:
        raise Refused(501, "there is a skin of this name already")
    if skin and "" not in present:
        raise Refused(501, "make the skin without a name first")
    require_name(skin or "x")
    _write(actor, of, {**present, skin: {}})


def rename(actor: Actor, of: Domain | None, skin: str, new: str) -> None:
    """Raises: Refused."""
    present = skins(of)
    files = _files(present, skin)
    if not skin or not new:
        raise Refused(501, "the skin without a name stays without one")
    if new in present:
        raise Refused(501, "there is a skin of this name already")
    require_name(new)
    for name in files:
        keeping.keep(actor, _place(new, name), of, keeping.kept(_place(skin, name), of), replace=True)
    _forget(actor, of, skin, files)
    _write(actor, of, {**{each: kept for each, kept in present.items() if each != skin}, new: files})


def remove(actor: Actor, of: Domain | None, skin: str) -> None:
    """With its files. The one without a name goes last. Raises: Refused."""
    present = skins(of)
    files = _files(present, skin)
    if not skin and len(present) > 1:
        raise Refused(501, "delete the skins with names first")
    _forget(actor, of, skin, files)
    _write(actor, of, {each: kept for each, kept in present.items() if each != skin})


def read(of: Domain | None, skin: str, name: str) -> list[Value]:
    """[content, when it was stored]. Raises: Refused."""
    found = _files(skins(of), skin).get(name)
    if found is None:
        raise Refused(501, "there is no such file")
    return [keeping.kept(_place(skin, name), of).get("data", b""), found[1]]


def store(actor: Actor, of: Domain | None, skin: str, name: str, content: bytes) -> None:
    """In place of one of this name. Raises: Refused."""
    present = skins(of)
    files = _files(present, skin)
    require_name(name)
    if name not in files and sum(map(len, present.values())) >= MOST_FILES:
        raise Refused(501, f"there are {MOST_FILES} files here already")
    keeping.keep(actor, _place(skin, name), of, {"data": content}, replace=True)
    now = timezone.now().replace(microsecond=0)
    _write(actor, of, {**present, skin: {**files, name: (len(content), now)}})


def remove_file(actor: Actor, of: Domain | None, skin: str, name: str) -> bool:
    """Whether there was one. Raises: Refused."""
    present = skins(of)
    files = _files(present, skin)
    if name not in files:
        return False
    _forget(actor, of, skin, [name])
    _write(actor, of, {**present, skin: {each: line for each, line in files.items() if each != name}})
    return True


def require_name(name: str) -> None:
    """Raises: Refused."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name.startswith(".") or "\\" in name:
        raise Refused(501, "this is no name")


def _files(present: dict[str, Files], skin: str) -> Files:
    if skin not in present:
        raise Refused(501, "there is no such skin")
    return present[skin]


def _place(skin: str, name: str) -> str:
    """What a file is kept as."""
    return "skin " + hashlib.sha256(f"{skin}\0{name}".encode()).hexdigest()[:32]


def _forget(actor: Actor, of: Domain | None, skin: str, names: Iterable[str]) -> None:
    for name in names:
        keeping.keep(actor, _place(skin, name), of, {"data": DEFAULT}, replace=True)


def _write(actor: Actor, of: Domain | None, wanted: dict[str, Files]) -> None:
    index: Dictionary = {
        skin: {name: [size, stored] for name, (size, stored) in files.items()} for skin, files in wanted.items()
    }
    keeping.keep(actor, INDEX, of, index, replace=True)
