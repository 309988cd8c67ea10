"""The configuration file: a fresh installation that reads it has the same; hostile files and people get nowhere."""

from __future__ import annotations

import copy
import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OptionValue, Role, User
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.services.options import set_option
from accounts.services.roles import create_role
from archive.models import Profile
from archive.services.compliance import set_compliance
from config.kit import paths
from domains.models import Customer, Domain, Policy, Relay
from domains.policy.rules import RuleKind
from domains.services.customers import create_customer, set_customer_limits
from domains.services.policies import create_policy, set_default_policy
from domains.services.relays import create_relay
from domains.services.rules import create_rule
from gateway.models import IpEntry, RouterRule
from gateway.services.ip_lists import add_ip
from gateway.services.queues import set_settings
from gateway.services.routes import create_route
from gateway.services.scanning import update_scanning
from jobs import planning
from jobs.commands import get_command
from jobs.configuration import commands, files
from jobs.configuration.services import Diff, compare, export_configuration, import_configuration
from jobs.errors import BadValue
from jobs.mail_server import set_mail_server
from jobs.models import Job, MailServer, Webhook
from jobs.schedules import Schedule
from jobs.webhooks.services import create_webhook
from tests import factories
from tests.domains.factories import make_domain
from tests.stage import Cast

SYSTEM = Actor.system()
PASSPHRASE = "a long passphrase"
PASSWORD = "hunter2hunter2"  # what must never show


def fill(administrator: User) -> None:
    """Something in every part."""
    customer = create_customer(SYSTEM, name="Ours", description="First")
    set_customer_limits(SYSTEM, customer, {"max_domains": 9})
    domain = make_domain("example.org", customer, description="Main", outgoing_subnets=["192.0.2.0/24"])
    make_domain("example.net")
    set_option(SYSTEM, SERVER, "TIME_ZONE", "Europe/Berlin")
    set_option(SYSTEM, domain, "TIME_ZONE", "Europe/Paris")
    create_role(SYSTEM, SERVER, name="Desk", rights=["view_users"], description="Sees")
    create_role(SYSTEM, domain, name="Local", rights=["view_users", "manage_users"])
    set_default_policy(SYSTEM, domain, create_policy(SYSTEM, domain, {"name": "Strict", "spam_score": 3.5}))
    relay = {
        "name": "Exchange", "transport_dest": "mx.example.org", "transport_type": "SMTPS_MAY", "transport_port": 25,
        "username": "relay", "password": PASSWORD,
    }  # fmt: skip
    create_relay(SYSTEM, domain, relay)
    create_rule(SYSTEM, RuleKind.SENDER, domain, {"type": "ALLOW", "value": "a@good.example"})
    server = {
        "hostname": "mail.example.org", "from_address": "a@example.org", "signs_in": True, "username": "a",
        "password": PASSWORD,
    }  # fmt: skip
    set_mail_server(SYSTEM, server)
    update_scanning(SYSTEM, {"spam_timeout_s": 7, "rspamd_password": PASSWORD})
    set_settings(SYSTEM, {"lifetime_hours": 77})
    add_ip(SYSTEM, list="denied", network="198.51.100.0/24", comment="spam")
    for pattern in ("a@example.org", "b@example.org"):
        create_route(SYSTEM, {"pattern": pattern, "kind": "discard", "target": "", "comment": "", "is_enabled": True})
    set_compliance(SYSTEM, {"deletion_allowed": False})
    create_webhook(SYSTEM, domain, name="Tickets", url="https://hooks.example.com/x", events=["user.created"])
    planning.create_job(
        Actor.for_user(administrator),
        command="PurgeOldTasks",
        arguments={},
        schedule=Schedule(time=time(2, 30)),
        name="Nightly",
    )


def empty(administrator: User) -> None:
    """As a fresh installation with the same administrator."""
    kept = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        tables = [
            model._meta.db_table
            for model in (
                Webhook, Job, MailServer, RouterRule, IpEntry, Role, OptionValue, Profile, Relay, Policy, Domain,
                Customer,
            )
        ]  # fmt: skip
        tables += ["gateway_scanning", "gateway_queuesettings", "archive_compliance"]
        assert kept not in tables
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")


def parts_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["parts"]
    return found


def changed(diff: Diff) -> list[tuple[str, str, str]]:
    return [(change.part.name, change.key, change.action) for change in diff.changes if change.action != "stay"]


def test_a_fresh_installation_that_imports_it_exports_the_same(administrator: User) -> None:
    fill(administrator)
    sealed = export_configuration(SYSTEM, passphrase=PASSPHRASE)
    before = export_configuration(SYSTEM)
    assert PASSWORD not in sealed and PASSWORD not in before and '"$secret": null' in before
    assert export_configuration(SYSTEM) == before  # a stable order
    filled = {name for name, objects in parts_of(before).items() if objects}
    assert filled >= {
        "customers", "domains", "options", "roles", "policies", "relays", "rules", "mail_server", "scanners", "queue",
        "ip_lists", "router", "compliance", "webhooks", "jobs", "log",
    }  # fmt: skip
    empty(administrator)
    actor = Actor.for_user(administrator)
    wanted = files.read(sealed, PASSPHRASE)
    assert compare(actor, wanted).count("add") > 12 and not Domain.objects.exists()
    import_configuration(actor, wanted, removes=True)
    assert export_configuration(SYSTEM) == before
    assert MailServer.objects.get().password.reveal() == PASSWORD
    assert Relay.objects.get().password.reveal() == PASSWORD
    assert not import_configuration(actor, wanted, removes=True).does_something
    passwords = [Webhook.objects.get().secret.reveal(), PASSWORD, PASSPHRASE]
    trail = str(list(AuditEvent.objects.values_list("details", "changes", "object_label")))
    assert not any(each in trail for each in passwords)


def test_a_file_without_secrets_holds_none_and_its_import_says_which_remain_to_be_set(administrator: User) -> None:
    fill(administrator)
    url = "https://hooks.example.com/x?token=hunter3hunter3"
    create_webhook(SYSTEM, SERVER, name="Chat", url=url, events=["user.created"])
    planning.create_job(
        Actor.for_user(administrator),
        command="ExportConfiguration",
        arguments={"parts": [], "passphrase": PASSWORD},
        schedule=Schedule(time=time(2, 30)),
        name="Sealed",
    )
    planning.create_job(
        Actor.for_user(administrator),
        command="SetWebhookSecret",
        arguments={"id": 1, "secret": PASSWORD},
        schedule=Schedule(time=time(2, 30)),
        name="Needs it",
    )
    text = export_configuration(SYSTEM)
    hooks = [hook.secret.reveal() for hook in Webhook.objects.all()]
    assert not any(each in text for each in [PASSWORD, "hunter3hunter3", *hooks])
    actor = Actor.for_user(administrator)
    wanted = files.read(text)
    assert compare(actor, wanted).unset == []  # here all of them are set
    assert not import_configuration(actor, wanted, removes=True).does_something
    empty(administrator)
    remaining = [
        ("relays", "example.org/Exchange", "password"),
        ("mail_server", "server", "password"),
        ("scanners", "settings", "rspamd_password"),
        ("webhooks", "domain:example.org/Tickets", "secret"),
        ("webhooks", "server/Chat", "query"),
        ("webhooks", "server/Chat", "secret"),
        ("jobs", "Needs it", "secrets"),
        ("jobs", "Sealed", "secrets"),
    ]
    seen = compare(actor, wanted).unset
    assert [(each.part.name, each.key, each.name) for each in seen] == remaining
    done = import_configuration(actor, wanted)
    assert [(each.part.name, each.key, each.name) for each in done.unset] == remaining
    assert [each.key for each in done.unset if each.is_left_out] == ["server", "Needs it"]
    assert Job.objects.filter(name="Sealed").exists() and Webhook.objects.get(name="Chat").url == url.partition("?")[0]
    told = commands.diff_as_json(done)["secretsToSet"]
    assert {"part": "jobs", "key": "Needs it", "name": "secrets", "leftOut": True} in told  # type: ignore[operator]


def test_a_diff_shows_what_changes_and_the_import_does_just_that(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    set_option(SYSTEM, SERVER, "TIME_ZONE", "Europe/Berlin")
    add_ip(SYSTEM, list="denied", network="198.51.100.0/24")
    document = json.loads(export_configuration(actor))
    document["parts"]["options"]["server/TIME_ZONE"]["value"] = "Europe/Paris"
    document["parts"]["ip_lists"] = {"client 192.0.2.0/24": {"comment": "ours"}}
    wanted = files.inside(document)
    diff = compare(actor, wanted, removes=True)
    assert changed(diff) == [
        ("options", "server/TIME_ZONE", "change"),
        ("ip_lists", "client 192.0.2.0/24", "add"),
        ("ip_lists", "denied 198.51.100.0/24", "remove"),
    ]
    assert [(f.name, f.old, f.new) for f in diff.changes[0].fields] == [("value", "Europe/Berlin", "Europe/Paris")]
    assert changed(compare(actor, wanted, parts=["options"])) == [("options", "server/TIME_ZONE", "change")]
    with pytest.raises(BadValue):  # something changed since somebody looked
        import_configuration(actor, wanted, removes=True, expected=compare(actor, wanted).fingerprint)
    import_configuration(actor, wanted, removes=True, expected=diff.fingerprint)
    assert list(IpEntry.objects.values_list("list", "comment")) == [("client", "ours")]
    event = AuditEvent.objects.get(action="configuration.import")
    assert event.details["numbers"] == {"add": 1, "change": 1, "remove": 1, "stay": event.details["numbers"]["stay"]}


def test_one_refused_object_takes_all_back(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    document = json.loads(export_configuration(actor))
    document["parts"]["options"]["server/TIME_ZONE"] = {"value": "Europe/Paris"}
    wrong: list[dict[str, dict[str, Any]]] = [
        {"router": {"table": {"lines": [{"pattern": "nonsense", "kind": "discard"}]}}},
        {"router": {"table": {"lines": 5}}},
        {"router": {"other": {}}},
        {"queue": {"settings": {"lifetime_hours": "many"}}},
        {"queue": {"settings": {"no_such": 1}}},
        {"roles": {"server/R": {"rights": "manage_users"}}},
        {"roles": {"server/R": {"rights": ["no_such"]}}},
        {"roles": {"domain:nowhere.example/R": {"rights": []}}},
        {"domains": {"not a name": {}}},
        {"domains": {"example.org": {"customer": "Nobody"}}},
        {"domains": {"example.org": {"sender_verfy": True}}},
        {"policies": {"nowhere.example/P": {}}},
        {"relays": {"nowhere.example/P": {}}},
        {"webhooks": {"server/W": {"url": "http://127.0.0.1:22/", "events": ["audit.*"]}}},
        {"webhooks": {"server/W": {"url": "https://a.example.com", "events": ["audit.*"], "secret": "x"}}},
        {"jobs": {"J": {"command": "NoSuchCommand", "schedule": {"kind": "daily", "time": "02:30"}}}},
        {"jobs": {"J": {"command": "PurgeOldTasks", "schedule": 5}}},
        {"options": {"server/NO_SUCH": {"value": 1}}},
        {"options": {"server/TIME_ZONE": {"value": "Moon/Crater"}}},
        {"ip_lists": {"unknown 192.0.2.1": {}}},
        {"profiles": {"P": {"kind": "nonsense"}}},
        {"compliance": {"settings": {"legal_hold": "perhaps"}}},
        {"customers": {"C": {"max_domains": "many"}}},
    ]  # fmt: skip
    for broken in wrong:
        wanted = copy.deepcopy(document)
        for part, objects in broken.items():
            wanted["parts"][part] = wanted["parts"].get(part, {}) | objects
        with pytest.raises(BadValue) as caught:
            import_configuration(actor, files.inside(wanted))
        assert str(caught.value) and "Traceback" not in str(caught.value), broken
    assert not OptionValue.objects.exists() and not Webhook.objects.exists() and not Domain.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "{}", '{"kind": "postkeep-configuration"}', b"\xff\xfe", "[" * 100_000,
        '{"kind": "postkeep-configuration", "format": 2, "parts": {}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": []}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"kept": 5}}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"kept": {"days": NaN}}}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"a": {}, "a": {}}}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"a": {"b": "\\u0000"}}}}',
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"a": {"b": ' + "[" * 50 + "]" * 50 + "}}}}",
        '{"kind": "postkeep-configuration", "format": 1, "parts": {"log": {"a": {"b": {"$secret": 5}}}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_a_sentence(text: str | bytes) -> None:
    with pytest.raises(BadValue):
        files.read(text)


def test_sealed_secrets_open_with_their_passphrase_in_their_place_only(db: None) -> None:
    server = {
        "hostname": "mail.example.org", "from_address": "a@example.org", "signs_in": True, "username": "a",
        "password": PASSWORD,
    }  # fmt: skip
    set_mail_server(SYSTEM, server)
    update_scanning(SYSTEM, {"rspamd_password": "another secret"})
    text = export_configuration(SYSTEM, parts=["mail_server", "scanners"], passphrase=PASSPHRASE)
    assert files.read(text, PASSPHRASE)["mail_server"]["server"]["password"].plain == PASSWORD
    assert files.read(text)["mail_server"]["server"]["password"].plain is None
    with pytest.raises(BadValue):
        files.read(text, "another passphrase")
    with pytest.raises(BadValue):
        export_configuration(SYSTEM, passphrase="short")
    moved = json.loads(text)
    moved["parts"]["mail_server"]["server"]["password"] = moved["parts"]["scanners"]["settings"]["rspamd_password"]
    with pytest.raises(BadValue):
        files.inside(moved, PASSPHRASE)
    slow = json.loads(text)
    slow["protection"]["n"] = 1 << 30  # would take hours
    with pytest.raises(BadValue):
        files.inside(slow, PASSPHRASE)
    shown = str(compare(SYSTEM, files.read(text, PASSPHRASE)).changes)
    assert PASSWORD not in shown


def test_it_is_for_system_administrators_only(cast: Cast) -> None:
    text = export_configuration(SYSTEM)
    wanted = files.read(text)
    everything = Actor.for_user(cast.administrator).restricted(None)
    assert export_configuration(everything) == text
    for actor in (
        Actor.for_user(cast.domain_administrator),
        Actor.for_user(cast.customer_administrator),
        Actor.for_user(cast.user),
        Actor.for_user(cast.administrator).restricted([Right.MANAGE_SERVER]),
    ):
        with pytest.raises(Forbidden):
            export_configuration(actor)
        with pytest.raises(Forbidden):
            compare(actor, wanted)
        with pytest.raises(Forbidden):
            import_configuration(actor, wanted)
    with pytest.raises(Forbidden):
        import_configuration(Actor.for_user(cast.administrator).restricted(None, read_only=True), wanted)


def test_the_pages_export_show_the_diff_and_import(administrator: User, client_for: Any) -> None:
    client = client_for(administrator)
    page = reverse("jobs:configuration")
    downloaded = client.post(page, {"parts": ["options", "roles"], "passphrase": ""})
    assert downloaded["Content-Disposition"].startswith("attachment") and set(parts_of(downloaded.content)) == {
        "options", "roles",
    }  # fmt: skip
    document = json.loads(downloaded.content)
    document["parts"]["options"]["server/TIME_ZONE"] = {"value": "<b>Europe/Paris"}
    document["parts"]["roles"]["server/Desk"] = {"description": "x", "rights": ["view_users"]}

    def look(given: dict[str, Any]) -> Any:
        file = SimpleUploadedFile("c.json", json.dumps(given).encode())
        return client.post(reverse("jobs:configuration-import"), {"file": file})

    shown = look(document)
    assert shown.status_code == 200 and "&lt;b&gt;Europe/Paris" in shown.content.decode()
    assert not Role.objects.exists()
    given = {name: shown.context[name] for name in ("token",)} | {"fingerprint": shown.context["diff"].fingerprint}
    apply = reverse("jobs:configuration-apply")
    refused = client.post(apply, {**given, "parts": ["options", "roles"], "do": "import"})
    assert refused.status_code == 422 and not Role.objects.exists()
    again = client.post(apply, {**given, "parts": ["roles"], "do": "look"})
    given["fingerprint"] = again.context["diff"].fingerprint
    assert client.post(apply, {**given, "parts": ["roles"], "do": "import"}).status_code == 303
    assert Role.objects.get().name == "Desk" and not OptionValue.objects.exists()
    assert client.post(apply, {**given, "parts": ["roles"], "do": "import"}).status_code == 404
    assert look({"kind": "other"}).status_code == 422
    other = client_for(factories.make_administrator("second@example.org"))
    kept = look(document).context["token"]
    assert other.post(apply, {"token": kept, "do": "look"}).status_code == 404  # each has their own


def test_the_commands_write_a_private_file_and_compare_before_they_import(administrator: User) -> None:
    for _time in range(3):
        path = commands.write_file(export_configuration(SYSTEM))
    assert path.stat().st_mode & 0o777 == 0o600 and path.is_relative_to(paths.home() / "configuration")
    assert get_command("ExportConfiguration").arguments_as_json(commands.ExportArguments([], "x")) == {"parts": []}
    document = json.loads(export_configuration(SYSTEM)) | {}
    document["parts"] = {"options": {"server/TIME_ZONE": {"value": "Europe/Paris"}}}
    run: Any = None
    arguments = commands.ImportArguments(document)
    actor = Actor.for_user(administrator)
    told = commands.import_configuration_command(actor, run, arguments)
    assert told["numbers"]["add"] == 1 and not OptionValue.objects.exists()  # type: ignore[index]
    commands.import_configuration_command(actor, run, commands.ImportArguments(document, apply=True))
    assert OptionValue.objects.get().value == "Europe/Paris"
    exported = commands.export_configuration_command(actor, run, commands.ExportArguments(["options"]))
    assert "Europe/Paris" in Path(str(exported["path"])).read_text()
