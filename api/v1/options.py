"""Options: typed settings with a value on some levels, inherited by what lies below, and their catalogue.

Values are texts, as the manual has them: `true`, `30`, one line for each item of a list. Of secrets nothing is
answered.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from accounts import options
from accounts.actors import Actor
from accounts.errors import UnknownOption
from accounts.models import User
from accounts.optiontypes import OptionType
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.services.options import reset_option, set_option
from api.errors import NotFound
from api.operations import Admit, Created, Group, anyone
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Broker, Customer, Domain, Mailbox

group = Group("Options", "Settings of the server, of brokers, customers, domains and users; unset ones are inherited.")


class OptionDef(Answer):
    """An entry of the catalogue. `ptfScope` is the server."""

    name: str
    type: OptionType
    group: str | None
    label: str
    description: str | None
    values: list[str] | None
    default: str | None
    minimum: int | None
    maximum: int | None
    ptf_scope: bool
    url_scope: bool
    broker_scope: bool
    customer_scope: bool
    domain_scope: bool
    user_scope: bool
    restricted: bool


class OptionAnswer(Answer):
    """The value set here, the one that counts without it, and what the option is."""

    value: Annotated[str | None, Field(description="Set on this very object; null: inherited.")]
    parent_value: Annotated[str | None, Field(description="What counts where nothing is set here.")]
    is_set: Annotated[bool, Field(description="Whether a value (also a secret, which isn't shown) is set here.")]
    source: Annotated[str | None, Field(description="The level that sets what counts; null: the default.")]
    option: OptionDef


class OptionAdd(Body):
    """A value for an option. A password or `user:password` is kept sealed."""

    name: Annotated[str, Field(max_length=80, examples=["SUPPORT_EMAIL"])]
    value: Annotated[str, Field(max_length=200_000, examples=["help@example.org"])]


def option_def(option: options.Option) -> OptionDef:
    shown = None if option.default in (None, "") else option.to_text(option.default)
    return OptionDef(
        name=option.name,
        type=option.type,
        group=str(option.group) or None,
        label=str(option.label),
        description=str(option.help) or None,
        values=[key for key, _label in option.values] or None,
        default=shown,
        minimum=option.minimum,
        maximum=option.maximum,
        ptf_scope=Level.SERVER in option.levels,
        url_scope=False,
        broker_scope=Level.BROKER in option.levels,
        customer_scope=Level.CUSTOMER in option.levels,
        domain_scope=Level.DOMAIN in option.levels,
        user_scope=Level.USER in option.levels,
        restricted=option.restricted,
    )


def present(resolved: options.Resolved) -> OptionAnswer:
    option = resolved.option

    def text(value: Any) -> str | None:
        return None if value is None or option.type == OptionType.PASSWORD else option.to_text(value)

    return OptionAnswer(
        value=text(resolved.own) if resolved.is_own else None,
        parent_value=text(resolved.inherited),
        is_set=resolved.is_own,
        source=None if resolved.source is None else resolved.source.level.value,
        option=option_def(option),
    )


@group.get("/options", admit=anyone)
def option_catalogue(actor: Actor) -> list[OptionDef]:
    """List the options that exist.

    Where each can be set, its type, its default and its bounds.
    """
    return [option_def(option) for option in options.catalogue()]


Place = ScopeRef | Broker | Customer | Domain | Mailbox


def _scope(place: Place) -> Broker | Customer | Domain | User | ScopeRef:
    """What the option hangs on: of a mailbox, its person."""
    if not isinstance(place, Mailbox):
        return place
    if place.user is None:
        raise NotFound()
    return place.user


def _declare(what: str, path: str, *, see: Admit, change: Admit) -> None:
    """The three operations of one level."""

    def listed(actor: Actor, place: Place) -> list[OptionAnswer]:
        scope = _scope(place)
        return [present(each) for each in options.resolve_all(None if scope == SERVER else scope).values()]

    def chosen(actor: Actor, place: Place, body: OptionAdd) -> Created[OptionAnswer]:
        scope = _scope(place)
        set_option(actor, scope, body.name, body.value)
        return Created(present(options.resolve(body.name, None if scope == SERVER else scope)))

    def cleared(actor: Actor, place: Place, option_name: str) -> None:
        try:
            was_set = reset_option(actor, _scope(place), option_name)
        except UnknownOption:
            was_set = False
        if not was_set:
            raise NotFound()

    listed.__doc__ = f"""List the options of a {what}.

    Those that can be set on this level, each with the value set here and the one that counts without it."""
    chosen.__doc__ = f"""Set an option of a {what}.

    `GET /options` says which there are. The value is a text, read as the option's type has it."""
    cleared.__doc__ = f"""Let an option of a {what} be inherited again.

    404 where none was set."""
    for function, name in ((listed, "options"), (chosen, "option_set"), (cleared, "option_reset")):
        function.__name__ = f"{what}_{name}"
    group.get(f"{path}/options", admit=see)(listed)
    group.post(f"{path}/options", admit=change)(chosen)
    group.delete(f"{path}/options/{{optionName}}", admit=change)(cleared)


_MANAGE = Right.MANAGE_OPTIONS
_declare("server", "/server", see=subjects.server(_MANAGE), change=subjects.server(_MANAGE))
_declare("broker", "/brokers/{int:brokerId}", see=subjects.broker(_MANAGE), change=subjects.broker(_MANAGE))
_declare("customer", "/customers/{int:customerId}", see=subjects.customer(), change=subjects.customer(_MANAGE))
_declare("domain", "/domains/{int:domainId}", see=subjects.domain(), change=subjects.domain(_MANAGE))
_declare("user", "/users/{int:userId}", see=subjects.mailbox(own=True), change=subjects.mailbox(_MANAGE, own=True))
