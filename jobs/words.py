"""A command's arguments as the words of a shell: for `manage.py invoke`, and for the action of a job."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from jobs.commands import Command, get_command
from jobs.errors import BadArguments
from jobs.parameters import Kind, Parameter, folded


def read_words(
    command: Command, words: Sequence[str], *, read: Callable[[], str] | None = None
) -> dict[str, list[str]]:
    """`--key value`, `--key=value`, a lone `--flag`; `-` is what `read` gives, for JSON and secrets.

    Raises: BadArguments.
    """
    known = {folded(parameter.name): parameter for parameter in command.parameters()}
    found: dict[str, list[str]] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise BadArguments(f"{word!r} stands alone; arguments are given as --key value")
        key, equals, value = word[2:].partition("=")
        parameter = known.get(folded(key))
        if not equals:
            if rest and not rest[0].startswith("--"):
                value = rest.pop(0)
            elif parameter is not None and parameter.kind is Kind.FLAG:
                value = "true"
            else:
                raise BadArguments(f"--{key} needs a value (one that begins with -- is written --{key}=VALUE)")
        if read is not None and value == "-" and parameter is not None and _may_be_piped(parameter):
            value = read().removesuffix("\n")
        found.setdefault(parameter.name if parameter is not None else key, []).append(value)
    return found


def split_action(action: str) -> tuple[str, dict[str, object]]:
    """A command with its arguments as a shell writes them, `Name --key value …`: its name, and they as JSON.

    Raises: UnknownCommand, BadArguments (a secret too: what is written here is shown).
    """
    try:
        name, *words = shlex.split(action) or [action]
    except ValueError as error:
        raise BadArguments(_("A quote isn't closed."), field="action") from error
    if not words:
        return name, {}
    command = get_command(name)
    found = read_words(command, words)
    command.arguments_from_strings(found)
    for parameter in command.parameters():
        if parameter.name in found and parameter.about.secret:
            text = _("%(name)s is secret, and an action is shown: give it in the arguments.")
            raise BadArguments(text % {"name": parameter.name}, field="action")
    return name, {each.name: each.from_words(found[each.name]) for each in command.parameters() if each.name in found}


def _may_be_piped(parameter: Parameter) -> bool:
    return parameter.kind.is_json or parameter.about.secret
