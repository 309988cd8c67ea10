"""What the rows of the API's access table are about: each makes something in a place and names it as paths do."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import AppPassword, FolderGrant, GroupRole, Identity, SignInBlock, SignInThrottle, Source, User
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from accounts.services.administrators import NewPerson, create_administrator
from accounts.services.grants import Bundle
from accounts.services.options import set_option
from accounts.services.roles import create_role
from accounts.services.saved_views import create_view
from accounts.services.sources import create_source
from accounts.services.tokens import create_token
from archive import engines
from archive import store as engine
from archive.models import BackupDestination, BackupSet, Case, ProfileRun, Store
from archive.services.cases import CaseTerms, create_case
from archive.services.holds import HoldTerms, place_hold
from archive.services.profiles.keeping import create_profile
from archive.services.stores import current_store
from archive.store import Ingest
from config.kit import paths, secrets
from domains.commands.purging import PurgeDeletedUserArguments
from domains.dkim_keys import KeyKind
from domains.models import Broker, Domain, Mailbox, MailingList, Recipient, Relay, Subscriber
from domains.policy.rules import RuleKind
from domains.services.aliases import add_alias
from domains.services.branding import set_logo
from domains.services.checks import try_relay
from domains.services.dkim import create_key
from domains.services.domain_names import add_names
from domains.services.domain_states import delete_domain
from domains.services.forwards import create_forward, set_forwarding
from domains.services.groups import create_group
from domains.services.health import check_domain
from domains.services.lists.settings import create_list
from domains.services.lists.subscribing import add_subscribers
from domains.services.mailbox_states import delete_mailbox
from domains.services.policies import create_policy
from domains.services.providers import create_provider
from domains.services.pulls import create_pull
from domains.services.relays import create_relay
from domains.services.rules import create_rule
from domains.services.throttles import set_throttle
from gateway.keys import new_key
from gateway.models import (
    Certificate,
    IpEntry,
    ListPosting,
    ReleaseRequest,
    Repository,
    RouterRule,
    SieveScript,
)
from gateway.queue.storing import ERROR, store
from gateway.services import signature_rules
from gateway.services.attachments import add_attachment
from gateway.services.mail_rules.scripts import create_script
from gateway.services.mail_rules.simple import set_rules
from gateway.services.signature_pictures import add_picture
from gateway.services.signatures import create_own, set_signature
from gateway.sieve.simple import Act, Rule
from jobs import approvals
from jobs.commands import NoArguments
from jobs.models import Job, Task, Webhook
from jobs.monitoring import set_element
from jobs.planning import run_job
from jobs.services import submit
from jobs.trust import add_authority
from jobs.webhooks.services import create_webhook, send_test
from tests.api.matrix import of_customer, of_domain, of_mailbox
from tests.api.world import Place
from tests.certificates import make_authority
from tests.domains.branding.pictures import png
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.factories import make_alert, make_job, make_job_run, make_session
from tests.gateway.factories import held_for, spam
from tests.gateway.making import make_queued

_numbers = itertools.count(1)


def a_broker(place: Place) -> dict[str, Any]:
    return {"brokerId": Broker.objects.get_or_create(name="Broker")[0].pk}


def option_of_server(place: Place) -> dict[str, Any]:
    set_option(Actor.system(), SERVER, "SUPPORT_EMAIL", "help@example.org")
    return {"optionName": "SUPPORT_EMAIL"}


def option_of_domain(place: Place) -> dict[str, Any]:
    set_option(Actor.system(), place.domain, "SUPPORT_EMAIL", "help@example.org")
    return {"domainId": place.domain.pk, "optionName": "SUPPORT_EMAIL"}


def option_of_customer(place: Place) -> dict[str, Any]:
    set_option(Actor.system(), place.customer, "SUPPORT_EMAIL", "help@example.org")
    return {"customerId": place.customer.pk, "optionName": "SUPPORT_EMAIL"}


def option_of_user(place: Place) -> dict[str, Any]:
    set_option(Actor.system(), place.person, "TIME_ZONE", "Europe/Berlin")
    return {"userId": place.person.pk, "optionName": "TIME_ZONE"}


def a_user(place: Place) -> dict[str, Any]:
    return {"userId": make_mailbox_in(place.domain).user_id}


def a_deleted_user(place: Place) -> dict[str, Any]:
    mailbox = make_mailbox_in(place.domain)
    delete_mailbox(Actor.system(), mailbox)
    return {"userId": mailbox.user_id}


def a_due_user(place: Place) -> dict[str, Any]:
    """Deleted, and its date has come: before that the purge takes two people."""
    made = a_deleted_user(place)
    Mailbox.objects.filter(user_id=made["userId"]).update(purge_at=timezone.now())
    return made


def a_due_domain(place: Place) -> dict[str, Any]:
    made = a_deleted_domain(place)
    Domain.objects.filter(pk=made["domainId"]).update(purge_at=timezone.now())
    return made


def a_hold(place: Place) -> dict[str, Any]:
    return {"holdId": place_hold(Actor.system(), HoldTerms("A case", "The court says so", query="budget")).pk}


def a_store(place: Place) -> dict[str, Any]:
    """A store whose folder is missing: all that is asked is who gets in."""
    number = next(_numbers)
    made = Store.objects.create(name=f"Store {number}", path=f"missing-{number}", identity=f"{number:032x}")
    return {"storeId": made.pk}


def an_ip_entry(place: Place) -> dict[str, Any]:
    network = f"192.0.2.{next(_numbers) % 250}/32"
    return {"ipId": IpEntry.objects.get_or_create(list="denied", network=network)[0].pk}


def an_ip_list(place: Place) -> dict[str, Any]:
    return {"list": "denied"}


def a_router_rule(place: Place) -> dict[str, Any]:
    made = RouterRule.objects.create(position=1, pattern="*@old.example.org", kind="refuse")
    return {"routeId": made.pk}


def a_certificate(place: Place) -> dict[str, Any]:
    return {"certificateId": Certificate.objects.create(name=f"Certificate {next(_numbers)}").pk}


def a_webhook(place: Place) -> dict[str, Any]:
    url, events = "https://hooks.example.com/x", ["audit.*"]
    return {"webhookId": create_webhook(Actor.system(), place.domain, name="Hook", url=url, events=events)[0].pk}


def a_webhook_delivery(place: Place) -> dict[str, Any]:
    found = a_webhook(place)
    return found | {"deliveryId": send_test(Actor.system(), Webhook.objects.get(pk=found["webhookId"])).pk}


def an_authority(place: Place) -> dict[str, Any]:
    number = next(_numbers)
    name = f"Authority {number}"
    return {"authorityId": add_authority(Actor.system(), name=name, pem=make_authority(name).pem).pk}


def a_case(place: Place) -> dict[str, Any]:
    """About somebody's mail in the place."""
    terms = CaseTerms(f"Case {Case.objects.count()}", "The court asks for it", [make_mailbox_in(place.domain)])
    return {"caseId": create_case(Actor.system(), terms).pk}


def a_request(place: Place) -> dict[str, Any]:
    """The shell's, to purge a deleted user of the place."""
    mailbox = make_mailbox_in(place.domain)
    delete_mailbox(Actor.system(), mailbox)
    arguments = PurgeDeletedUserArguments(mailbox.address)
    return {"approvalId": approvals.ask(Actor.console(), "PurgeDeletedUser", arguments, reason="It is empty").pk}


def an_alias(place: Place) -> dict[str, Any]:
    made = add_alias(Actor.system(), place.mailbox, email=f"alias{next(_numbers)}")
    return {"userId": place.person.pk, "aliasId": made.pk}


def a_forward(place: Place) -> dict[str, Any]:
    email = f"forward{next(_numbers)}"
    return {"forwardId": create_forward(Actor.system(), place.domain, email=email, targets=["x@elsewhere.example"]).pk}


def a_group(place: Place) -> dict[str, Any]:
    return {"domainId": place.domain.pk} | a_group_alone(place)


def a_group_alone(place: Place) -> dict[str, Any]:
    email = f"group{next(_numbers)}"
    return {"groupId": create_group(Actor.system(), place.domain, email=email, members=["x@elsewhere.example"]).pk}


def a_recipient(place: Place) -> dict[str, Any]:
    made = a_group(place)
    return made | {"addressId": Recipient.objects.get(address_id=made["groupId"]).pk}


def a_policy(place: Place) -> dict[str, Any]:
    return {"policyId": create_policy(Actor.system(), place.domain, {"name": f"Policy {next(_numbers)}"}).pk}


def an_admin(place: Place) -> dict[str, Any]:
    bundle = Bundle.of_rights(["view_domains", "view_users"])
    who = NewPerson(f"admin{next(_numbers)}@admins.example")
    return of_domain(place) | {"adminId": create_administrator(Actor.system(), place.domain, who, bundle).user_id}


def an_admin_alone(place: Place) -> dict[str, Any]:
    return {"adminId": an_admin(place)["adminId"]}


def a_customer_s_admin(place: Place) -> dict[str, Any]:
    who = NewPerson(f"admin{next(_numbers)}@admins.example")
    bundle = Bundle.of_rights(["view_domains"])
    return of_customer(place) | {"adminId": create_administrator(Actor.system(), place.customer, who, bundle).user_id}


def an_own_token(place: Place) -> dict[str, Any]:
    """The place's person's: at this address it is for nobody else."""
    return {
        "tokenId": create_token(Actor.for_user(place.person), place.person, name=f"token {next(_numbers)}").token.pk
    }


def a_session(place: Place) -> dict[str, Any]:
    """The place's person's."""
    return {"sessionId": make_session(place.person).pk}


def an_app_password(place: Place) -> dict[str, Any]:
    row = AppPassword.objects.create(
        user=place.person, name=f"phone {next(_numbers)}", protocols=["smtp"], secret_hash="x:y"
    )
    return {"adminId": place.person.pk, "id": row.pk}


def a_block(place: Place) -> dict[str, Any]:
    return {"blockId": SignInBlock.objects.get_or_create(network="198.51.100.0/24")[0].pk}


def a_wait(place: Place) -> dict[str, Any]:
    return {"waitId": SignInThrottle.objects.create(key=f"network:{next(_numbers)}").pk}


def a_person_signed_in(place: Place) -> dict[str, Any]:
    make_session(place.person)
    return {"adminId": place.person.pk}


def a_view(place: Place) -> dict[str, Any]:
    """The place's person's own."""
    name = f"View {next(_numbers)}"
    create_view(Actor.for_user(place.person), "domains.users", name=name, query="state=disabled")
    return {"listName": "domains.users", "viewName": name}


def an_admin_with_a_token(place: Place) -> dict[str, Any]:
    return {"adminId": a_token_of_an_admin(place)["adminId"]}


def a_token_of_an_admin(place: Place) -> dict[str, Any]:
    made = an_admin_alone(place)
    person = User.objects.get(pk=made["adminId"])
    return made | {"id": create_token(Actor.for_user(person), person, name="program").token.pk}


def a_target(place: Place) -> dict[str, Any]:
    set_forwarding(Actor.system(), place.mailbox, ["x@elsewhere.example", "y@elsewhere.example"])
    return of_mailbox(place) | {"address": "x@elsewhere.example"}


def a_backup_destination(place: Place) -> dict[str, Any]:
    made = BackupDestination.objects.create(
        name=f"Bucket {BackupDestination.objects.count()}", kind="s3", endpoint="https://s3.example.org", bucket="mail"
    )
    return {"destinationId": made.pk}


def a_backup(place: Place) -> dict[str, Any]:
    destination = a_backup_destination(place)["destinationId"]
    made = BackupSet.objects.create(
        destination_id=destination, set="20260301T021500123456Z-1a2b", made_at=timezone.now()
    )
    return {"backupId": made.pk}


def a_queue(place: Place) -> dict[str, Any]:
    return {"queueName": "outgoing"}


def a_queued_message(place: Place) -> dict[str, Any]:
    return {"itemId": make_queued(domain=place.domain)[0].pk}


def a_repository(place: Place) -> dict[str, Any]:
    return {"repositoryId": Repository.objects.create(name=f"var/mail/{new_key()}").pk}


def a_stored_message(place: Place) -> dict[str, Any]:
    [item] = make_queued(domain=place.domain)
    [stored] = store([(item, ERROR, "550 no")], item.created_at)
    return {"storedId": stored.pk}


def a_profile(place: Place) -> dict[str, Any]:
    folder = paths.home() / "import" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    mailbox = Mailbox.objects.get(user=place.person)
    values = {"path": str(folder), "mailbox": mailbox.address}
    return {"profileId": create_profile(Actor.system(), name="Files", kind="files", values=values).pk}


def a_result(place: Place) -> dict[str, Any]:
    return {"resultId": ProfileRun.objects.create(profile_name="Files", kind="files", asked_by="system").pk}


def a_task(place: Place) -> dict[str, Any]:
    return {"taskId": submit(Actor.system(), "VerifyAuditTrail", NoArguments()).pk}


def a_failed_task(place: Place) -> dict[str, Any]:
    made = a_task(place)
    Task.objects.filter(pk=made["taskId"]).update(state=Task.State.FAILED)
    return made


def a_component(place: Place) -> dict[str, Any]:
    return {"componentName": "Database"}


def an_ended_task(place: Place) -> dict[str, Any]:
    made = a_task(place)
    Task.objects.filter(pk=made["taskId"]).update(state=Task.State.COMPLETED)
    return made


def _job() -> Job:
    return make_job(User.objects.filter(is_administrator=True).earliest("pk"))


def a_job(place: Place) -> dict[str, Any]:
    return {"jobId": _job().pk}


def a_running_job(place: Place) -> dict[str, Any]:
    return {"jobId": run_job(Actor.system(), _job()).job_id}


def a_job_run(place: Place) -> dict[str, Any]:
    return {"runId": make_job_run(_job()).pk}


def an_alert(place: Place) -> dict[str, Any]:
    return {"alertId": make_alert(place.domain).pk}


def a_kind_of_files(place: Place) -> dict[str, Any]:
    return {"kind": "aliases"}


def a_kind_of_rules(place: Place) -> dict[str, Any]:
    return of_domain(place) | {"kind": "uris"}


def a_person_with_a_folder(place: Place) -> dict[str, Any]:
    FolderGrant.objects.get_or_create(user=place.person, mailbox_id=place.mailbox.pk, folder="Inbox")
    return of_mailbox(place)


def _store() -> engine.Store:
    """The store that new mail goes to; whoever comes first makes the keys."""
    if not (paths.keys_dir() / "recovery.pub").exists():
        secrets.make_recovery_key()
    return engines.open_store(current_store(Actor.system()))


def a_system_folder(place: Place) -> dict[str, Any]:
    return of_mailbox(place) | {"folder": "Quarantine"}


def an_email(place: Place) -> dict[str, Any]:
    row = held_for(place.mailbox, raw=spam(files=[("offer.bin", b"nothing much")]))
    return a_system_folder(place) | {"emailId": row.message.key}


def a_strangers_email(place: Place) -> dict[str, Any]:
    """In quarantine, for an address that nobody of the domain owns."""
    row = held_for((place.domain, "kim"), raw=spam(files=[("offer.bin", b"nothing much")]))
    return {"domainId": place.domain.pk, "emailId": row.message.key}


def a_passport(place: Place) -> dict[str, Any]:
    return {"passportId": held_for(place.mailbox).pk}


def an_email_s_part(place: Place) -> dict[str, Any]:
    return an_email(place) | {"partId": "1"}


def a_waiting_file(place: Place) -> dict[str, Any]:
    made = add_attachment(Actor.for_user(place.person), name="plan.txt", data=b"the plan")
    return {"uid": str(made.pk), "filename": made.name}


def a_release_request(place: Place) -> dict[str, Any]:
    return {"requestId": ReleaseRequest.objects.create(recipient=held_for(place.mailbox), why="It is a bill").pk}


def a_folder(place: Place) -> dict[str, Any]:
    opened = _store()
    folder = opened.ensure_folder(place.mailbox.pk, "Work")
    if not opened.catalogue.folder(folder).messages:
        with Ingest(opened, place.mailbox.pk, index="no") as ingest:
            ingest.put("Work", content=b"Subject: kept\r\n\r\nfor ever\r\n")
    return of_mailbox(place) | {"folderPath": "Work"}


def an_archived_message(place: Place) -> dict[str, Any]:
    opened = _store()
    with Ingest(opened, place.mailbox.pk, index="no") as ingest:
        ingest.put("Work", content=b"Subject: kept too\r\n\r\nfor ever\r\n")
    (made,) = ingest.outcomes()
    return of_mailbox(place) | {"messageId": f"{current_store(Actor.system()).pk}:{made.number}"}


def an_archived_part(place: Place) -> dict[str, Any]:
    return an_archived_message(place) | {"partId": "9"}


def an_empty_folder(place: Place) -> dict[str, Any]:
    path = f"Empty {next(_numbers)}"
    _store().ensure_folder(place.mailbox.pk, path)
    return of_mailbox(place) | {"folderPath": path}


def an_event(place: Place) -> dict[str, Any]:
    return {"eventId": audit.record(Actor.system(), "domain.look", place.domain).pk}


def a_grantee(place: Place) -> dict[str, Any]:
    return of_mailbox(place) | {"address": make_mailbox_in(place.domain).address}


def a_pull(place: Place) -> dict[str, Any]:
    values = {"name": f"Old {next(_numbers)}", "protocol": "imap", "host": "127.0.0.1", "port": 993}
    made = create_pull(Actor.system(), place.mailbox, values | {"username": "ada", "password": "not told"})
    return of_mailbox(place) | {"pullId": made.pk}


def a_role(place: Place) -> dict[str, Any]:
    made = create_role(Actor.system(), place.domain, name=f"Role {next(_numbers)}", rights=["view_domains"])
    return {"roleId": made.pk}


def a_source(place: Place) -> dict[str, Any]:
    settings = {"host": "ldap.example.org", "base_dn": "dc=example"}
    made = create_source(Actor.system(), place.domain, kind="ldap", name=f"S {next(_numbers)}", settings=settings)
    Source.objects.filter(pk=made.pk).update(authority=[])  # as if by who holds little
    return {"sourceId": made.pk}


def a_group_role(place: Place) -> dict[str, Any]:
    ids = a_source(place)
    row = GroupRole.objects.create(
        source_id=ids["sourceId"], group="helpers", role_key="help_desk", level="domain", object_id=place.domain.pk
    )
    return ids | {"rowId": row.pk}


def a_bound_person(place: Place) -> dict[str, Any]:
    ids = a_source(place) | of_mailbox(place)
    assert place.mailbox.user is not None
    Identity.objects.create(source_id=ids["sourceId"], user=place.mailbox.user, subject=f"s {next(_numbers)}")
    return ids


def a_signature(place: Place) -> dict[str, Any]:
    set_signature(Actor.system(), place.mailbox, "<b>Ada</b>")
    return of_mailbox(place)


def an_own_signature(place: Place) -> dict[str, Any]:
    values = {"name": f"Own {next(_numbers)}", "html": "<b>Ada</b>"}
    return of_mailbox(place) | {"signatureId": create_own(Actor.system(), place.mailbox, values).pk}


def an_own_picture(place: Place) -> dict[str, Any]:
    made = add_picture(Actor.system(), place.mailbox, name="a.png", raw=png())
    return of_mailbox(place) | {"pictureId": made.pk}


def a_signature_template(place: Place) -> dict[str, Any]:
    values = {"name": f"House {next(_numbers)}", "html": "{{name}}"}
    return {"templateId": signature_rules.create_template(Actor.system(), _here(place), values).pk}


def a_signature_rule(place: Place) -> dict[str, Any]:
    return {"ruleId": signature_rules.create_rule(Actor.system(), _here(place), {"name": "All"}).pk}


def a_place_picture(place: Place) -> dict[str, Any]:
    return {"pictureId": add_picture(Actor.system(), _here(place), name="a.png", raw=png()).pk}


def _here(place: Place) -> ScopeRef:
    return ScopeRef(Level.DOMAIN, place.domain.pk)


def a_customer(place: Place) -> dict[str, Any]:
    return {"customerId": make_customer().pk}


def a_domain(place: Place) -> dict[str, Any]:
    return {"domainId": make_domain(customer=place.customer).pk}


def a_deleted_domain(place: Place) -> dict[str, Any]:
    domain = make_domain(customer=place.customer)
    delete_domain(Actor.system(), domain)
    return {"domainId": domain.pk}


def a_provider(place: Place) -> dict[str, Any]:
    made = create_provider(Actor.system(), name=f"Provider {next(_numbers)}", spf_provider="spf.example.net")
    return {"providerId": made.pk}


def a_domain_alias(place: Place) -> dict[str, Any]:
    (made,) = add_names(Actor.system(), place.domain, [f"alias{next(_numbers)}.example"])
    return {"domainId": place.domain.pk, "aliasId": made.pk}


def a_branded_domain(place: Place) -> dict[str, Any]:
    set_logo(Actor.system(), place.domain, png())
    return of_domain(place)


def a_branded_customer(place: Place) -> dict[str, Any]:
    set_logo(Actor.system(), place.customer, png())
    return of_customer(place)


def a_branded_server(place: Place) -> dict[str, Any]:
    set_logo(Actor.system(), SERVER, png())
    return {}


def a_checked_domain(place: Place) -> dict[str, Any]:
    check_domain(Actor.system(), place.domain)
    return of_domain(place)


def a_tried_platform(place: Place) -> dict[str, Any]:
    made = a_platform(place)
    try_relay(Actor.system(), Relay.objects.get(pk=made["platformId"]))
    return made


def a_rule(kind: RuleKind, owner: Domain | Mailbox, **values: Any) -> dict[str, Any]:
    return {"ruleId": create_rule(Actor.system(), kind, owner, values).pk}


def a_sender_rule(owner: Domain | Mailbox) -> dict[str, Any]:
    made = a_rule(RuleKind.SENDER, owner, type="block", value=f"x{next(_numbers)}@elsewhere.example")
    return {"wbItemId": made["ruleId"]}


def a_domain_sender_rule(place: Place) -> dict[str, Any]:
    return of_domain(place) | a_sender_rule(place.domain)


def a_user_sender_rule(place: Place) -> dict[str, Any]:
    return of_mailbox(place) | a_sender_rule(place.mailbox)


def an_attachment_rule(place: Place) -> dict[str, Any]:
    pattern = rf"\.x{next(_numbers)}$"
    return a_rule(RuleKind.ATTACHMENT, place.domain, action="deny", check_type="filename", filter=pattern)


def a_uri_rule(place: Place) -> dict[str, Any]:
    return a_rule(RuleKind.URI, place.domain, action="blacklist_uri_host", filter=f"shop{next(_numbers)}")


def a_dlp_rule(place: Place) -> dict[str, Any]:
    identifier = f"rule{next(_numbers)}"
    return a_rule(RuleKind.DLP, place.domain, identifier=identifier, expression="secret", targets_content=True)


def a_list(place: Place) -> dict[str, Any]:
    email = f"list{next(_numbers)}"
    return {"listId": create_list(Actor.system(), place.domain, email=email, owner=place.mailbox).pk}


def a_list_post(place: Place) -> dict[str, Any]:
    made = a_list(place)
    posted = ListPosting.objects.create(list_id=made["listId"], message=held_for(place.mailbox).message, state="held")
    return made | {"postId": posted.pk}


def a_subscriber(place: Place) -> dict[str, Any]:
    made = a_list(place)
    found = MailingList.objects.get(pk=made["listId"])
    add_subscribers(Actor.system(), found, ["x@elsewhere.example"])
    return made | {"subscriberId": found.subscribers.get().pk}


def a_waiting_subscriber(place: Place) -> dict[str, Any]:
    made = a_subscriber(place)
    Subscriber.objects.update(state=Subscriber.State.WAITING)
    return made


def a_platform(place: Place) -> dict[str, Any]:
    values = {
        "name": "Main server",
        "transport_dest": "127.0.0.1",
        "transport_type": "SMTP",
        "transport_port": 25,
    }
    return {"platformId": create_relay(Actor.system(), place.domain, values).pk}


def a_key(place: Place) -> dict[str, Any]:
    key = create_key(Actor.system(), place.domain, kind=KeyKind.ED25519)
    return {"domainId": place.domain.pk, "keyId": key.pk}


def a_key_s_domain(place: Place) -> dict[str, Any]:
    return {"domainId": a_key(place)["domainId"]}


def a_throttle(scope: Domain | Mailbox | None) -> dict[str, Any]:
    limits = {"max_messages": 100}
    set_throttle(Actor.system(), scope, direction="outbound", period_s=60, limits=limits)
    return {"direction": "outbound"}


def a_server_throttle(place: Place) -> dict[str, Any]:
    return a_throttle(None)


def a_domain_throttle(place: Place) -> dict[str, Any]:
    return of_domain(place) | a_throttle(place.domain)


def a_user_throttle(place: Place) -> dict[str, Any]:
    return of_mailbox(place) | a_throttle(place.mailbox)


def an_element(place: Place) -> dict[str, Any]:
    set_element(Actor.system(), "queue_length", 3)
    return {"elementId": "custom.queue_length"}


def rules_of_domain(place: Place) -> dict[str, Any]:
    return {"place": f"domain-{place.domain.pk}"}


def rules_of_mailbox(place: Place) -> dict[str, Any]:
    return {"place": f"user-{place.person.pk}"}


def a_mail_rule(place: Place) -> dict[str, Any]:
    set_rules(Actor.system(), place.mailbox, [Rule("First", actions=(Act("keep"),))])
    return rules_of_mailbox(place) | {"name": "First"}


def a_script(place: Place) -> dict[str, Any]:
    name = f"Script {SieveScript.objects.count()}"
    return rules_of_mailbox(place) | {"scriptId": create_script(Actor.system(), place.mailbox, name=name, text="").pk}


def a_dialect(place: Place) -> dict[str, Any]:
    return {"name": "james"}
