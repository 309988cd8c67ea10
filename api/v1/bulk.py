"""Doing one thing to many rows: what it would do in numbers, then a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.forms import Form
from django.http import Http404, QueryDict
from pydantic import Field, JsonValue

from accounts.actors import Actor
from api.errors import Conflict, Fault, Invalid
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, Count, Id
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from config.kit import bulk
from config.kit.list_query import BadTerm
from domains.selectors import list_mailboxes
from jobs.bulk import make_bulk_task

group = Group(
    "Bulk actions",
    "One thing done to many rows, each as it is done to one: enable, disable, move, policy, password, delete.",
)

USERS = "domains.users"  # its rows go by the person's id here, as everywhere in this API


class BulkField(Answer):
    """Something that an action must be told."""

    name: str
    label: str
    required: bool
    choices: Annotated[list[str] | None, Field(description="Those one may choose; null: free.")]


class BulkActionAnswer(Answer):
    """What can be done to rows of a list."""

    action: str
    label: str
    destructive: Annotated[bool, Field(description="Then `expected` is needed.")]
    values: list[BulkField]


class BulkList(Answer):
    """A list with what can be done to many of its rows."""

    list_name: str
    label: str
    actions: list[BulkActionAnswer]


class BulkAsk(Body):
    """Which action, on which rows: these ids, or all that match a filter as the list's page has it in its address."""

    list_name: Annotated[str, Field(min_length=1, max_length=100, examples=["domains.users"])]
    action: Annotated[str, Field(min_length=1, max_length=100, examples=["disable"])]
    ids: Annotated[list[Id] | None, Field(max_length=bulk.MAX_CHOSEN)] = None
    filter: Annotated[str | None, Field(max_length=2_000, examples=["q=domain:example.org"])] = None
    values: Annotated[dict[str, JsonValue], Field(max_length=20, examples=[{}])] = {}


class BulkOrder(BulkAsk):
    """The same, and how many rows it may change."""

    expected: Annotated[
        Count | None, Field(description="What the preview said; 409 when it is another number now.")
    ] = None


class BulkGroup(Answer):
    """Some of the rows, and what is so about them."""

    count: int
    text: str


class BulkPreview(Answer):
    """What would happen."""

    will: Annotated[int, Field(description="How many rows would be changed.")]
    title: str
    changes: list[BulkGroup]
    left: Annotated[list[BulkGroup], Field(description="Those that stay as they are, and why.")]
    notes: list[str]


def _form(actor: Actor, action: bulk.BulkAction, values: Mapping[str, JsonValue] | None) -> Form | None:
    """The action's form; with values as a browser would have sent them."""
    if values is None:
        return action.form(actor, None)
    sent = QueryDict(mutable=True)
    for name, value in values.items():
        sent.setlist(name, [_text(each) for each in (value if isinstance(value, list) else [value])])
    return action.form(actor, sent)


def _text(value: JsonValue) -> str:
    return "" if value is None or value is False else "on" if value is True else str(value)


def _ask(actor: Actor, body: BulkAsk) -> tuple[bulk.BulkOrder, bulk.Preview, bool]:
    """The order, what it would do, and whether it is destructive. Raises: Http404, Forbidden, Invalid."""
    known = {name for name, _label, _actions in bulk.offered(actor)}
    if body.list_name not in known:
        raise _wrong("listName", "There is no such list, or nothing that you may do there.")
    try:
        action = bulk.get_action(body.list_name, body.action, actor)
    except Http404 as error:
        raise _wrong("action", "There is no such action on this list.") from error
    if (body.ids is None) == (body.filter is None):
        raise _wrong("ids", "Give either ids or a filter; an empty filter is all rows.")
    form = _form(actor, action, body.values)
    if form is not None and not form.is_valid():
        faults = [Fault(f"values.{name}", " ".join(str(text) for text in texts)) for name, texts in form.errors.items()]
        raise Invalid.of(faults)
    values = action.stored(form.cleaned_data) if form is not None else {}
    order = bulk.BulkOrder(body.list_name, action.name, _ids(actor, body), body.filter, {}, values)
    try:
        preview = action.preview(actor, bulk.rows_of(actor, order), values)
    except BadTerm as error:
        raise _wrong("filter", str(error)) from error
    return order, preview, action.destructive


def _ids(actor: Actor, body: BulkAsk) -> tuple[str, ...]:
    ids = body.ids or []
    if body.list_name == USERS and ids:
        ids = [*list_mailboxes(actor).filter(user_id__in=ids).values_list("pk", flat=True)]
    return tuple(str(each) for each in ids)


def _wrong(field: str, text: str) -> Invalid:
    return Invalid(f"{field}: {text}", faults=[Fault(field, text)])


def _field(name: str, field: Any) -> BulkField:
    choices = getattr(field, "choices", None)
    keys = None if choices is None else [str(key) for key, _label in choices if str(key)][:1_000]
    return BulkField(name=name, label=str(field.label or name), required=field.required, choices=keys)


def _action(actor: Actor, action: bulk.BulkAction) -> BulkActionAnswer:
    form = _form(actor, action, None)
    return BulkActionAnswer(
        action=action.name,
        label=str(action.label),
        destructive=action.destructive,
        values=[] if form is None else [_field(name, field) for name, field in form.fields.items()],
    )


@group.get("/bulk", admit=anyone)
def bulk_lists(actor: Actor) -> list[BulkList]:
    """List what can be done to many rows at once.

    The actions whose right one holds somewhere; the rows decide on what.
    """
    return [
        BulkList(list_name=name, label=str(label), actions=[_action(actor, each) for each in actions])
        for name, label, actions in bulk.offered(actor)
    ]


@group.post("/bulk/preview", admit=anyone, reads=True)
def bulk_preview(actor: Actor, body: BulkAsk) -> BulkPreview:
    """What would a bulk action do, in numbers?"""
    _order, preview, _destructive = _ask(actor, body)
    return BulkPreview(
        will=preview.will,
        title=str(preview.title),
        changes=[BulkGroup(count=each.count, text=str(each.text)) for each in preview.changes],
        left=[BulkGroup(count=each.count, text=str(each.text)) for each in preview.refused],
        notes=[str(note) for note in preview.notes],
    )


@group.post("/bulk", admit=anyone, status=202)
def bulk_run(actor: Actor, body: BulkOrder) -> Created[TaskAnswer]:
    """Do a bulk action, as a task.

    Destructive ones need `expected`. What refuses a row is counted in the task's result.
    """
    order, preview, destructive = _ask(actor, body)
    if destructive and body.expected is None:
        raise _wrong("expected", "Say how many rows it may change, as the preview told.")
    if body.expected is not None and body.expected != preview.will:
        text = f"It would change {preview.will} rows now."
        raise Conflict(text, faults=[Fault("expected", text)])
    task = make_bulk_task(actor, order)
    return Created(present_task(task), f"/tasks/{task.pk}")
