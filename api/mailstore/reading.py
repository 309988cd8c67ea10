"""What a call says: its credentials, its form, and the form's fields as the arguments of one of our commands.

The body is a form whatever its content type says; JSON travels as text inside one field. Not for judging values: that
is the command's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl

from accounts.actors import Actor
from api.dialects import credentials
from api.dialects.call import Call
from api.errors import Unauthenticated
from api.mailstore.answers import ApiFailure
from api.mailstore.functions import Function
from jobs.commands import Command
from jobs.errors import BadArguments
from jobs.parameters import Kind, folded

MOST_FIELDS = 100
IGNORED = frozenset({"instanceID"})  # of the edition for providers: there is one instance here


def actor_of(call: Call) -> Actor:
    """Basic: an address with its password, or with an access token of its own.

    Raises: Unauthenticated, TooManyRequests.
    """
    scheme, _space, value = call.header("Authorization").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return credentials.by_token(call, value.strip())
    if scheme.lower() != "basic":
        raise Unauthenticated("Authentication is required.")
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("The credentials can't be read.") from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # what older clients send, RFC 7617 §2.1
    name, colon, password = text.partition(":")
    if not colon or "\0" in text:
        raise Unauthenticated("The credentials can't be read.")
    return credentials.by_password(call, name.strip(), password)


def form_of(call: Call) -> dict[str, str]:
    """Raises: ApiFailure."""
    try:
        pairs = parse_qsl(
            call.body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except UnicodeDecodeError as error:
        raise ApiFailure("The arguments are not UTF-8.") from error
    except ValueError as error:
        raise ApiFailure("There are too many arguments.") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ApiFailure(f"API argument {name[:60]} is given more than once.", name[:60])
        found[name] = value
    return found


def arguments_of(function: Function, command: Command, form: Mapping[str, str]) -> object:
    """The command's arguments. Raises: ApiFailure, naming the argument as its caller knows it."""
    known = {folded(each.name): each for each in function.arguments}
    parameters = {folded(each.name): each for each in command.parameters()}
    words: dict[str, list[str]] = {}
    for name, value in form.items():
        if name in IGNORED:
            continue
        if folded(name) not in known or folded(name) not in parameters:
            raise ApiFailure(f"Unknown API argument {name[:60]}.", _where(function, name[:60]))
        parameter = parameters[folded(name)]
        if not value and parameter.kind is not Kind.TEXT:
            continue  # a field left empty says nothing
        several = parameter.kind is Kind.TEXTS
        words[parameter.name] = [each.strip() for each in value.split(",") if each.strip()] if several else [value]
    for key, argument in known.items():
        needed = not argument.nullable or (key in parameters and parameters[key].required)
        if needed and (key not in parameters or parameters[key].name not in words):
            raise ApiFailure(f"Missing API argument {argument.name}.", _where(function, argument.name))
    try:
        return command.arguments_from_strings(words)
    except BadArguments as error:
        name = name_of(function, error.field)
        text = str(error)
        if name and error.field and text.startswith(error.field):
            text = name + text.removeprefix(error.field)
        raise ApiFailure(text, _where(function, name)) from error


def name_of(function: Function, field: str) -> str:
    """What callers know a command's field by."""
    return next((each.name for each in function.arguments if folded(each.name) == folded(field)), field)


def _where(function: Function, name: str) -> str:
    return f"{function.name}({name})" if name else function.name
