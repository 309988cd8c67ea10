"""The registry of commands: everything that can be run by name from a page, a shell, a schedule or the API.

A higher app registers its services with `@command`; this app imports none of them. Not for running (see `services`,
`running`).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.dry_runs import Plan
from jobs.errors import BadArguments, UnknownCommand
from jobs.parameters import About, Json, JsonList, JsonObject, Parameter, Secret, SecretObject, folded, parameters_of

if TYPE_CHECKING:
    from jobs.running import TaskRun

__all__ = [
    "About",
    "Command",
    "Json",
    "JsonList",
    "JsonObject",
    "NoArguments",
    "Secret",
    "SecretObject",
    "command",
    "get_command",
    "label_of",
    "list_commands",
]

Arguments = TypeVar("Arguments")
V = TypeVar("V")
Result = dict[str, object]
Function = Callable[[Actor, "TaskRun", Arguments], Result]


@dataclasses.dataclass(frozen=True, slots=True)
class NoArguments:
    """For commands that need none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A registered command."""

    name: str
    needs: Right | None  # None: everybody signed in may ask; the command checks what it touches
    arguments: type[Any]
    function: Callable[[Actor, TaskRun, Any], Result]
    help: str
    label: str | Promise = ""  # what pages call it; its name where nobody said
    check: Callable[[Actor, Any], object] | None = None  # asked before a task is made: what it touches, what it needs
    plannable: bool = True  # whether a job may run it
    resumable: bool = False  # whether a run that broke off is gone on with by itself
    two_people: Callable[[Actor, Any], Plan | None] | None = None  # what of it can't be undone; None: nothing
    needs_proof: bool = False  # whether who asks at a page, or plans it, proves once more who they are

    @property
    def title(self) -> str:
        """What pages call it."""
        return str(self.label) or self.name

    def parameters(self) -> list[Parameter]:
        return parameters_of(self.arguments)

    def arguments_from_json(self, values: Mapping[str, object]) -> Any:
        """Typed arguments from a JSON object. Raises: BadArguments."""
        return self._build(values, Parameter.from_json)

    def arguments_from_strings(self, values: Mapping[str, Sequence[str]]) -> Any:
        """Typed arguments from what a shell gives: per name every value in order. Raises: BadArguments."""
        return self._build(values, Parameter.from_words)

    def named(self, values: Mapping[str, V]) -> dict[str, V]:
        """The same values under the parameters' own names, each once. Raises: BadArguments."""
        known = {folded(parameter.name): parameter for parameter in self.parameters()}
        found: dict[str, V] = {}
        for name, value in values.items():
            parameter = known.get(folded(name))
            if parameter is None:
                offered = ", ".join(each.name for each in known.values()) or "none"
                said = {"command": self.name, "name": name, "offered": offered}
                raise BadArguments(_("%(command)s has no argument %(name)s (it has: %(offered)s)") % said, field=name)
            if parameter.name in found:
                raise BadArguments(_("%(name)s is given more than once") % {"name": name}, field=parameter.name)
            found[parameter.name] = value
        return found

    def arguments_as_json(self, arguments: object) -> dict[str, object]:
        """What a task's row keeps, without what is secret. Raises: BadArguments."""
        secret = self.secret_names()
        return {name: value for name, value in self._plain(arguments).items() if name not in secret}

    def secrets_as_json(self, arguments: object) -> dict[str, object]:
        """What is kept sealed: the secret arguments that were given. Raises: BadArguments."""
        secret = self.secret_names()
        return {name: value for name, value in self._plain(arguments).items() if name in secret and value is not None}

    def secret_names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.parameters() if each.about.secret)

    def _plain(self, arguments: object) -> dict[str, object]:
        if not isinstance(arguments, self.arguments):
            raise BadArguments(f"{self.name} takes {self.arguments.__name__}, not {type(arguments).__name__}")
        return dataclasses.asdict(typing.cast(Any, arguments))

    def _build(self, values: Mapping[str, V], read: Callable[[Parameter, V], object]) -> Any:
        parameters = self.parameters()
        given = self.named(values)
        found = {each.name: read(each, given[each.name]) for each in parameters if each.name in given}
        missing = [each.name for each in parameters if each.required and each.name not in given]
        if missing:
            said = {"command": self.name, "names": ", ".join(missing)}
            raise BadArguments(_("%(command)s needs %(names)s") % said, field=missing[0])
        return self.arguments(**found)


_registry: dict[str, Command] = {}


def command(
    name: str,
    *,
    needs: Right | None,
    arguments: type[Arguments],
    label: str | Promise = "",
    check: Callable[[Actor, Arguments], object] | None = None,
    plannable: bool = True,
    resumable: bool = False,
    two_people: Callable[[Actor, Arguments], Plan | None] | None = None,
    needs_proof: bool = False,
) -> Callable[[Function[Arguments]], Function[Arguments]]:
    """Register a function as the command `name`; the first line of its docstring is its help.

    check: refuses a task before it is made; it is asked again by the services when the task runs.
    plannable: false for what only means something once (a bulk order). resumable: when its process dies or is stopped,
    the task is started again by itself; `run.kept` then has what it last gave to `run.keep`.
    two_people: for what can't be undone: what it would do (None: with these arguments nothing of that kind). Such a
    command waits for a second person (`approvals`); its service asks `proofs.require` for `run.approved`.
    needs_proof: for what opens doors or takes people's away. Its task asks nobody for a fresh proof
    (`accounts.proving`), so that is asked for where the task is made or the job is planned.
    """
    if two_people is not None and needs is None:
        raise ValueError(f"{name} takes two people and needs no right: nobody could approve it")
    if any(each.about.secret for each in parameters_of(arguments)) and two_people is not None:
        raise ValueError(f"{name} takes two people and a secret, which a request can't keep")

    def register(function: Function[Arguments]) -> Function[Arguments]:
        known = _registry.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"the command {name} is registered twice")
        text = (function.__doc__ or "").strip().split("\n", 1)[0]
        _registry[name] = Command(
            name, needs, arguments, function, text, label, check, plannable, resumable, two_people, needs_proof
        )
        return function

    return register


def get_command(name: str) -> Command:
    """Raises: UnknownCommand."""
    try:
        return _registry[name]
    except KeyError:
        raise UnknownCommand(f"there is no command {name}") from None


def list_commands() -> list[Command]:
    """All of them, by name."""
    return [_registry[name] for name in sorted(_registry)]


def label_of(name: str) -> str:
    """What pages call a command, also one that is no longer there."""
    known = _registry.get(name)
    return known.title if known else name
