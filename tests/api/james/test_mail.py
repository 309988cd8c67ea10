"""Queues and repositories."""

from __future__ import annotations

from urllib.parse import quote

from gateway.models import QueueItem, Repository, Step
from gateway.queue.storing import ERROR, store
from gateway.steps import Kind
from jobs import services
from jobs.models import Task
from tests.api.james.conftest import James, refused
from tests.gateway.making import make_queued


def test_a_queue_is_listed_read_and_emptied_by_a_task(james: James) -> None:
    name = james("GET", "/mailQueues").json()[0]
    assert james("GET", f"/mailQueues/{name}").json() == {"name": name, "size": 0}
    assert james("GET", f"/mailQueues/{name}/mails?limit=5").json() == []
    assert james("GET", f"/mailQueues/{name}/mails?limit=0").status_code == 400
    assert james("GET", f"/mailQueues/{name}/mails?limit=&delayed=other").json() == []
    assert james("GET", "/mailQueues/first%20one").status_code == 404
    assert james("DELETE", f"/mailQueues/{name}/mails?sender=a@b.c&name=x").status_code == 400
    for query, kind in (("", "clear-mail-queue"), ("?recipient=a@b.c", "delete-mails-from-mail-queue")):
        begun = james("DELETE", f"/mailQueues/{name}/mails{query}")
        assert begun.status_code == 201
        services.run_waiting(Task.objects.latest("pk").pk)
        found = james("GET", begun["Location"]).json()
        assert (found["type"], found["status"]) == (kind, "completed")
        assert found["additionalInformation"]["mailQueueName"] == name
    assert james("PATCH", f"/mailQueues/{name}?delayed=true", {"delayed": False}).status_code == 204
    for kind in ("sender", "recipient"):
        answer = james("DELETE", f"/mailQueues/{name}/mails?{kind}=x")
        refused(answer, 400, f"'{kind}' should be a mail address (i.e. {kind}@james.org)")
    for queue in (name, "none"):  # James looks at the request before the queue
        payload = james("PATCH", f"/mailQueues/{queue}?delayed=true", {"delayed": True})
        refused(payload, 400, "This request requires payload to contain delayed attribute set to false")
        query = james("PATCH", f"/mailQueues/{queue}?delayed=false", {"delayed": False})
        refused(query, 400, "This request requires delayed param to be set to true")


def test_a_repository_is_named_by_its_path_with_slashes(james: James) -> None:
    for _ in range(2):
        assert james("PUT", "/mailRepositories/var%2Fmail%2Flater%2F?protocol=file").status_code == 204
    assert Repository.objects.filter(name="var/mail/later").exists()
    listed = {row["path"]: row["repository"] for row in james("GET", "/mailRepositories").json()}
    assert listed["var%2Fmail%2Flater"] == "var/mail/later"
    assert james("GET", "/mailRepositories/var%2Fmail%2Flater").json()["size"] == 0
    keys = "/mailRepositories/var%2Fmail%2Flater%2F/mails"
    assert james("GET", keys).json() == []
    assert james("GET", keys, raw=False).json() == []
    assert james("DELETE", f"{keys}/nothing").status_code == 204
    refused(james("GET", f"{keys}/nothing"), 404, "Could not retrieve nothing", "notFound")
    begun = james("DELETE", keys)
    services.run_waiting(Task.objects.latest("pk").pk)
    found = james("GET", begun["Location"]).json()
    assert (found["type"], found["status"]) == ("clear-mail-repository", "completed")
    assert found["additionalInformation"]["repositoryPath"] == "var/mail/later"
    assert james("PATCH", f"{keys}?action=reprocess&queue=spool").status_code == 201


def test_what_is_no_repository_or_no_action_is_refused(james: James) -> None:
    refused(james("PUT", "/mailRepositories/r?protocol=ftp"), 400, "'ftp' is an unsupported protocol")
    refused(james("GET", "/mailRepositories/r/mails"), 404, "r does not exist", "notFound")
    refused(james("GET", "/mailRepositories/r/mails?limit=-1"), 400, "limit can not be negative")
    refused(james("GET", "/mailRepositories/r/mails?limit=0"), 400, "limit can not be equal to zero")
    for path in ("mails", "mails/key"):
        answer = james("PATCH", f"/mailRepositories/r/{path}")
        found = refused(answer, 400, "Invalid arguments supplied in the user request")
        assert found["details"] == "'action' query parameter is compulsory. Supported values are [reprocess]"


def test_mail_is_put_into_another_repository_one_or_all(james: James) -> None:
    items = make_queued(["a@example.net", "b@example.net", "c@example.net"])
    store([(item, ERROR, "550 no") for item in items], items[0].created_at)
    james("PUT", "/mailRepositories/var%2Fmail%2Flater?protocol=file")
    here, there = (f"/mailRepositories/{quote(name, safe='')}/mails" for name in (ERROR, "var/mail/later"))
    keys = james("GET", here).json()
    target = {"mailRepository": "var/mail/later"}
    assert james("PATCH", f"{here}/{keys[0]}", target).status_code == 204
    assert (james("GET", here).json(), james("GET", there).json()) == (keys[1:], keys[:1])
    assert Step.objects.filter(kind=Kind.STORED, data__repository="var/mail/later").count() == 1
    assert james("PATCH", here, target).status_code == 204
    assert (james("GET", here).json(), sorted(james("GET", there).json())) == ([], sorted(keys))
    refused(james("PATCH", f"{here}/{keys[0]}", target), 404, f"Could not retrieve {keys[0]}", "notFound")
    refused(james("PATCH", there, {"mailRepository": "none"}), 404, "none does not exist", "notFound")
    refused(james("PATCH", there, {"other": 1}), 400, "JSON payload of the request is not valid")


def test_a_processor_is_root_or_transport(james: James) -> None:
    [item] = make_queued(["a@example.net"])
    store([(item, ERROR, "550 no")], item.created_at)
    QueueItem.objects.all().delete()
    here = f"/mailRepositories/{quote(ERROR, safe='')}/mails?action=reprocess&processor"
    refused(james("PATCH", f"{here}=bounces"), 400, "Invalid arguments supplied in the user request")
    begun = james("PATCH", f"{here}=transport")
    services.run_waiting(Task.objects.latest("pk").pk)
    about = james("GET", begun["Location"]).json()["additionalInformation"]
    assert (about["targetProcessor"], about["initialCount"], about["remainingCount"]) == ("transport", 1, 0)
    assert QueueItem.objects.get().address == "a@example.net"  # straight to delivery, not judged anew
