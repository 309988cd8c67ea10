"""Who gets in where: queues and repositories are the server's."""

from __future__ import annotations

from accounts.models import User
from gateway.models import Repository, RepositoryItem
from gateway.queue.storing import ERROR, store
from tests.access import Cast, Row, for_administrators
from tests.gateway.making import make_queued


def _item(cast: Cast, owner: User) -> tuple[object, ...]:
    return (make_queued()[0].pk,)


def _repository(cast: Cast, owner: User) -> tuple[object, ...]:
    return (Repository.objects.get_or_create(name=ERROR)[0].pk,)


def _stored(cast: Cast, owner: User) -> tuple[object, ...]:
    [item] = make_queued()
    [made] = store([(item, ERROR, "550 no")], item.created_at)
    item.delete()
    return (made.pk,)


def _repository_of_one(cast: Cast, owner: User) -> tuple[object, ...]:
    return (RepositoryItem.objects.get(pk=int(str(_stored(cast, owner)[0]))).repository_id,)


def _of_the_server(route: str, args: object, answer: int = 200, **more: object) -> Row:
    """Whoever doesn't manage queues isn't told whether it exists."""
    values = {"own": 404, "foreign": 404, "delegate": 404, "administrator": answer, "args": args}
    return Row(route, **(values | more))  # type: ignore[arg-type]


ROWS = [
    for_administrators("gateway:queue"),
    Row("gateway:queue-bulk", own=404, administrator=404),
    Row("gateway:queue-bulk", own=404, administrator=404, method="POST"),
    for_administrators("gateway:destinations"),
    for_administrators("gateway:destination-flush", answer=303, method="POST", data={"destination": "mx:a.example"}),
    for_administrators("gateway:queue-settings"),
    for_administrators("gateway:queue-settings", answer=422, method="POST", data={"lifetime_hours": "0"}),
    _of_the_server("gateway:queue-item", _item),
    _of_the_server("gateway:queue-item-turn", _item, 303, method="POST", data={"do": "hold"}),
    for_administrators("gateway:repositories"),
    for_administrators("gateway:repository-create"),
    for_administrators("gateway:repository-create", answer=303, method="POST", data={"name": "var/mail/later"}),
    _of_the_server("gateway:repository", _repository),
    _of_the_server("gateway:repository-bulk", _repository, 404),
    _of_the_server("gateway:repository-bulk", _repository, 404, method="POST"),
    _of_the_server("gateway:repository-delete", _repository_of_one, 303, method="POST"),
    _of_the_server("gateway:stored", _stored),
    _of_the_server("gateway:stored-read", _stored, 200, method="POST", data={"reason": "asked by the sender"}),
]
