"""One's own saved views of lists, as the tabs above a list have them."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404
from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.services.saved_views import OwnView, change_view, create_view, delete_view, list_views
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, left_out

group = Group("Saved views", "A name for a state of a list: what is searched, filtered and sorted. Everybody's own.")

ListName = Annotated[str, Field(max_length=61, examples=["domains.users"])]
ViewName = Annotated[str, Field(min_length=1, max_length=60, examples=["Nearly full"])]
Query = Annotated[
    str,
    Field(
        min_length=1, max_length=2_000, examples=["quota=%3E90%25&sort=-quota"],
        description="The query string that the list's page has in its address.",
    ),
]  # fmt: skip


class ViewAnswer(Answer):
    """A saved view."""

    list_name: str
    name: str
    query: str


class ViewAdd(Body):
    """Which list, what it is called, and its state."""

    list_name: ListName
    name: ViewName
    query: Query


class ViewChange(Body):
    """What is left out stays."""

    name: ViewName = left_out()
    query: Query = left_out()


class ViewsQuery(BaseModel):
    """Of which list."""

    model_config = ConfigDict(extra="forbid")

    listName: Annotated[ListName | None, Field(description="Only of this list.")] = None  # noqa: N815


def _present(view: OwnView) -> ViewAnswer:
    return ViewAnswer(list_name=view.list_name, name=view.name, query=view.query)


def _own(actor: Actor, list_name: str, view_name: str) -> OwnView:
    for view in list_views(actor, list_name):
        if list_name and view.name == view_name:
            return view
    raise Http404("no such view")


@group.get("/me/views", admit=anyone)
def view_list(actor: Actor, query: ViewsQuery) -> list[ViewAnswer]:
    """List one's own saved views."""
    return [_present(view) for view in list_views(actor, query.listName or "")]


@group.post("/me/views", admit=anyone)
def view_create(actor: Actor, body: ViewAdd) -> Created[ViewAnswer]:
    """Save a view of a list.

    At most twenty of each list; 409 where there is one of this name.
    """
    return Created(_present(create_view(actor, body.list_name, name=body.name, query=body.query)))


@group.get("/me/views/{listName}/{path:viewName}", admit=_own)
def view_detail(actor: Actor, view: OwnView) -> ViewAnswer:
    """Read one of one's own views."""
    return _present(view)


@group.patch("/me/views/{listName}/{path:viewName}", admit=_own)
def view_change(actor: Actor, view: OwnView, body: ViewChange) -> None:
    """Give a view another name, or another state."""
    change_view(actor, view, **body.changes())


@group.delete("/me/views/{listName}/{path:viewName}", admit=_own)
def view_delete(actor: Actor, view: OwnView) -> None:
    """Delete one of one's own views."""
    delete_view(actor, view)
