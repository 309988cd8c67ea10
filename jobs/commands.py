"""The registry of commands: everything that can be run by name from a page, a shell, a schedule or the API.

A higher app registers its services with `@command`; this app imports none of them. Not for running (see `services`,
`running`).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.functional import Promise

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.errors import BadArguments, UnknownCommand

if TYPE_CHECKING:
    from jobs.running import TaskRun

Arguments = TypeVar("Arguments")
Result = dict[str, object]
Function = Callable[[Actor, "TaskRun", Arguments], Result]

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


@dataclasses.dataclass(frozen=True, slots=True)
class NoArguments:
    """For commands that need none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a command's arguments: its type without None, and whether None and absence are allowed."""

    name: str
    kind: type  # str, int, bool or list (of str)
    optional: bool
    required: bool
    default: object

    def describe(self) -> dict[str, object]:
        kind = "list of str" if self.kind is list else self.kind.__name__
        shown: dict[str, object] = {"name": self.name, "type": kind, "required": self.required}
        return shown if self.required else shown | {"default": self.default}


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

    def parameters(self) -> list[Parameter]:
        return _parameters(self.arguments)

    def arguments_from_json(self, values: Mapping[str, object]) -> Any:
        """Typed arguments from a JSON object. Raises: BadArguments."""
        known = {parameter.name: parameter for parameter in self.parameters()}
        _refuse_unknown(self, values, known)
        return self._build({name: _from_json(known[name], value) for name, value in values.items()}, known)

    def arguments_from_strings(self, values: Mapping[str, Sequence[str]]) -> Any:
        """Typed arguments from what a shell gives: per name every value in order. Raises: BadArguments."""
        known = {parameter.name: parameter for parameter in self.parameters()}
        _refuse_unknown(self, values, known)
        return self._build({name: _from_strings(known[name], given) for name, given in values.items()}, known)

    def arguments_as_json(self, arguments: object) -> dict[str, object]:
        """What the task row keeps. Raises: BadArguments."""
        if not isinstance(arguments, self.arguments):
            raise BadArguments(f"{self.name} takes {self.arguments.__name__}, not {type(arguments).__name__}")
        return dataclasses.asdict(typing.cast(Any, arguments))

    def _build(self, values: dict[str, object], known: Mapping[str, Parameter]) -> Any:
        missing = [name for name, parameter in known.items() if parameter.required and name not in values]
        if missing:
            raise BadArguments(f"{self.name} needs {', '.join(missing)}")
        return self.arguments(**values)


_registry: dict[str, Command] = {}


def command(
    name: str,
    *,
    needs: Right | None,
    arguments: type[Arguments],
    label: str | Promise = "",
    check: Callable[[Actor, Arguments], object] | None = None,
) -> Callable[[Function[Arguments]], Function[Arguments]]:
    """Register a function as the command `name`; the first line of its docstring is its help.

    check: refuses a task before it is made; it is asked again by the services when the task runs.
    """
    _parameters(arguments)  # a field of a type we can't read from a shell fails at import

    def register(function: Function[Arguments]) -> Function[Arguments]:
        known = _registry.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"the command {name} is registered twice")
        text = (function.__doc__ or "").strip().split("\n", 1)[0]
        _registry[name] = Command(name, needs, arguments, function, text, label, check)
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
    return str(known.label) if known and known.label else name


def _parameters(arguments: type[Any]) -> list[Parameter]:
    hints = typing.get_type_hints(arguments)
    return [_parameter(field, hints[field.name]) for field in dataclasses.fields(arguments)]


def _parameter(field: dataclasses.Field[Any], hint: Any) -> Parameter:
    default: object = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    required = default is dataclasses.MISSING
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [each for each in typing.get_args(hint) if each is not type(None)]
        optional = len(rest) < len(typing.get_args(hint))
        hint = rest[0] if len(rest) == 1 else hint
    kind = list if hint == list[str] else hint
    if kind not in (str, int, bool, list):
        raise TypeError(f"{field.name}: a command's arguments are str, int, bool or list[str], not {hint}")
    return Parameter(field.name, kind, optional, required, None if required else default)


def _refuse_unknown(command: Command, values: Mapping[str, object], known: Mapping[str, Parameter]) -> None:
    for name in values:
        if name not in known:
            offered = ", ".join(known) or "none"
            raise BadArguments(f"{command.name} has no argument {name} (it has: {offered})")


def _from_json(parameter: Parameter, value: object) -> object:
    if value is None and parameter.optional:
        return None
    if parameter.kind is list:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return list(value)
    elif type(value) is parameter.kind:  # exactly: True is no int here
        return value
    raise BadArguments(f"{parameter.name} must be {parameter.describe()['type']}", field=parameter.name)


def _from_strings(parameter: Parameter, values: Sequence[str]) -> object:
    if parameter.kind is list:
        return list(values)
    if len(values) != 1:
        raise BadArguments(f"{parameter.name} is given more than once")
    (value,) = values
    if parameter.kind is int:
        try:
            return int(value)
        except ValueError:
            raise BadArguments(f"{parameter.name} must be a whole number, not {value!r}") from None
    if parameter.kind is bool:
        if value.lower() not in _TRUE | _FALSE:
            raise BadArguments(f"{parameter.name} must be true or false, not {value!r}")
        return value.lower() in _TRUE
    return value
