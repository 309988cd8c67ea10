"""The file itself: from objects to text in a stable order, and back. Hostile files end in a sentence, never worse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from config.kit import release
from jobs.configuration.parts import Objects, Secret, Values
from jobs.configuration.sealing import Sealer
from jobs.errors import BadValue

KIND, FORMAT = "postkeep-configuration", 1
MOST_BYTES, MOST_OBJECTS, DEEPEST = 20 << 20, 200_000, 20
SECRET = "$secret"  # noqa: S105  # the mark of one


def write(parts: Mapping[str, Objects], passphrase: str = "") -> str:
    """The text: keys sorted, two spaces, no moment, so that the same configuration is the same file.

    With a passphrase secrets are sealed (differently each time), without one only their place is marked.
    """
    sealer = Sealer(passphrase) if passphrase else None
    document: dict[str, Any] = {"kind": KIND, "format": FORMAT, "version": release.version()}
    document["protection"] = sealer.protection() if sealer else None
    document["parts"] = {
        name: {key: _outside(value, f"{name}/{key}", sealer) for key, value in objects.items()}
        for name, objects in parts.items()
    }
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _outside(value: Any, place: str, sealer: Sealer | None) -> Any:
    if isinstance(value, Secret):
        return {SECRET: sealer.seal(value.plain, place) if sealer and value.plain is not None else None}
    if isinstance(value, dict):
        return {str(key): _outside(each, f"{place}/{key}", sealer) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_outside(each, f"{place}/{at}", sealer) for at, each in enumerate(value)]
    return value


def read(text: str | bytes, passphrase: str = "") -> dict[str, Objects]:
    """The parts of a file, secrets opened where there is a passphrase. Raises: BadValue."""
    return inside(parse(text), passphrase)


def parse(text: str | bytes) -> dict[str, Any]:
    """The document. Raises: BadValue."""
    if len(text) > MOST_BYTES:
        raise _bad(_("The file is larger than %(most)d MB.") % {"most": MOST_BYTES >> 20})
    try:
        found = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        said = str(error) if isinstance(error, _Doubled) else ""
        raise _bad(_("This is no configuration file: %(why)s") % {"why": said or _("it is not JSON.")}) from None
    return _document(found)


def _document(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or found.get("kind") != KIND or not isinstance(found.get("parts"), dict):
        raise _bad(_("This is no configuration file of Postkeep."))
    if found.get("format") != FORMAT:
        raise _bad(_("The file has a format that this version doesn't know."))
    return found


def inside(document: Any, passphrase: str = "") -> dict[str, Objects]:
    """The parts of a document. Raises: BadValue."""
    found = _document(document)
    sealer = Sealer.of(passphrase, found.get("protection")) if passphrase else None
    parts: dict[str, Objects] = {}
    count = 0
    for name, objects in found["parts"].items():
        if not isinstance(objects, dict) or not all(isinstance(each, dict) for each in objects.values()):
            raise _bad(_("The part “%(name)s” is not written as objects by name.") % {"name": str(name)[:60]})
        count += len(objects)
        if count > MOST_OBJECTS:
            raise _bad(_("The file holds too many objects."))
        parts[name] = {key: _value(value, f"{name}/{key}", sealer, 0) for key, value in objects.items()}
    return parts


def _value(value: Any, place: str, sealer: Sealer | None, depth: int) -> Any:
    if depth > DEEPEST:
        raise _bad(_("The file is nested too deeply."))
    if isinstance(value, str) and "\0" in value:
        raise _bad(_("The file holds a sign that can't be kept (NUL)."))
    if isinstance(value, dict):
        if SECRET in value:
            return _secret(value, place, sealer)
        return {key: _value(each, f"{place}/{key}", sealer, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_value(each, f"{place}/{at}", sealer, depth + 1) for at, each in enumerate(value)]
    return value


def _secret(value: dict[str, Any], place: str, sealer: Sealer | None) -> Secret:
    kept = value[SECRET]
    if len(value) != 1 or not (kept is None or isinstance(kept, str)):
        raise _bad(_("A secret in the file is not written as one."))
    return Secret(None) if kept is None or sealer is None else Secret(sealer.open(kept, place))


def plain(values: Values) -> Values:
    """What a service takes: secrets as text, those that aren't said left out."""
    found: Values = {}
    for name, value in values.items():
        if isinstance(value, Secret):
            if value.plain is not None:
                found[name] = value.plain
        else:
            found[name] = value
    return found


class _Doubled(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two entries of one name could show one thing and do another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled(_("a name stands twice in one object."))
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _bad(text: str) -> BadValue:
    return BadValue(text, field="configuration")
