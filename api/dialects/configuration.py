"""How the dialects are set, as a part of the configuration file (`jobs.configuration`). Ports are the environment's."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from api.dialects.registry import find, known
from api.dialects.settings import set_dialect
from api.errors import Invalid
from api.models import DialectSetting
from jobs.configuration.parts import Objects, Part, Values, register
from jobs.errors import BadValue


def register_part() -> None:
    register(Part("dialects", gettext_lazy("Dialects"), 180, _dialects, _save_dialect))


def _dialects() -> Objects:
    rows = DialectSetting.objects.filter(name__in=[dialect.name for dialect in known()]).order_by("name")
    return {row.name: {"is_on": row.is_on, "clients": row.clients, "options": row.options} for row in rows}


def _save_dialect(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    dialect = find(key)
    if dialect is None:
        raise BadValue(_("There is no such dialect here."), field="configuration")
    is_on, clients, options = (values.get(name) for name in ("is_on", "clients", "options"))
    if (
        not isinstance(is_on, bool | None)
        or not isinstance(clients, list | None)
        or not isinstance(options, dict | None)
    ):
        raise TypeError("a dialect's values")
    try:
        set_dialect(actor, dialect, is_on=is_on, clients=clients, options=options)
    except Invalid as error:
        raise BadValue(error.detail or str(error), field="configuration") from error
