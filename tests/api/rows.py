"""The rows of the API's access table, in the order of the reference."""

from __future__ import annotations

import itertools
from typing import Any

from accounts import audit
from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services.administrators import NewPerson, create_administrator
from accounts.services.grants import Bundle
from accounts.services.options import set_option
from accounts.services.roles import create_role
from accounts.services.tokens import create_token
from domains.dkim_keys import KeyKind
from domains.models import Broker, Domain, Mailbox, MailingList, Recipient, Relay, Subscriber
from domains.policy.rules import RuleKind
from domains.services.aliases import add_alias
from domains.services.checks import try_relay
from domains.services.dkim import create_key
from domains.services.domain_names import add_names
from domains.services.domain_states import delete_domain
from domains.services.forwards import create_forward
from domains.services.groups import create_group
from domains.services.health import check_domain
from domains.services.lists.settings import create_list
from domains.services.lists.subscribing import add_subscribers
from domains.services.mailbox_states import delete_mailbox
from domains.services.policies import create_policy
from domains.services.profiles import set_signature
from domains.services.providers import create_provider
from domains.services.pulls import create_pull
from domains.services.relays import create_relay
from domains.services.rules import create_rule
from domains.services.throttles import set_throttle
from jobs.commands import NoArguments
from jobs.models import Task
from jobs.services import submit
from tests.api.matrix import IN, Row, everybody, of_customer, of_domain, of_mailbox, server_only
from tests.api.world import Place
from tests.domains.factories import make_customer, make_domain, make_mailbox_in

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


def an_admin_with_a_token(place: Place) -> dict[str, Any]:
    return {"adminId": a_token_of_an_admin(place)["adminId"]}


def a_token_of_an_admin(place: Place) -> dict[str, Any]:
    made = an_admin_alone(place)
    person = User.objects.get(pk=made["adminId"])
    return made | {"id": create_token(Actor.for_user(person), person, name="program").token.pk}


def a_task(place: Place) -> dict[str, Any]:
    return {"taskId": submit(Actor.system(), "VerifyAuditTrail", NoArguments()).pk}


def a_failed_task(place: Place) -> dict[str, Any]:
    made = a_task(place)
    Task.objects.filter(pk=made["taskId"]).update(state=Task.State.FAILED)
    return made


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


def a_signature(place: Place) -> dict[str, Any]:
    set_signature(Actor.system(), place.mailbox, "<b>Ada</b>")
    return of_mailbox(place)


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


ROWS = [
    everybody("me"),
    # customers and brokers
    Row("customer_list", user=403, delegate=403),
    server_only("customer_create"),
    Row("customer_detail", of_customer, user=404, delegate=404),
    Row("customer_change", of_customer, user=404, delegate=404),
    Row("customer_delete", a_customer, user=404, delegate=404),
    server_only("broker_list"),
    server_only("broker_create"),
    server_only("broker_detail", a_broker),
    server_only("broker_change", a_broker),
    server_only("broker_delete", a_broker),
    # domains
    Row("domain_list"),
    Row("domain_create", delegate=403),
    Row("domain_detail", of_domain, user=404),
    Row("domain_change", of_domain, user=404),
    Row("domain_delete", a_domain, user=404, delegate=404),
    Row("domain_restore", a_deleted_domain, user=404, delegate=404),
    Row("domain_purge_plan", of_domain, user=404, delegate=403),
    Row("domain_purge", a_deleted_domain, user=404, delegate=404),
    Row("domain_access", of_domain, user=404),
    Row("domain_access_set", of_domain, user=404),
    # domain aliases
    Row("domain_alias_list", of_domain, user=404),
    Row("domain_alias_add", of_domain, user=404, delegate=403),
    Row("domain_alias_replace", of_domain, user=404),
    Row("domain_alias_remove", a_domain_alias, user=404),
    # users
    Row("user_list"),
    Row("domain_users", of_domain, user=404),
    Row("user_create"),
    Row("user_detail", of_mailbox, user=IN),
    Row("user_change", of_mailbox),
    Row("user_delete", a_user, user=404),
    Row("user_restore", a_deleted_user, user=404),
    # signatures
    Row("sign_detail", a_signature, user=IN),
    Row("sign_set", of_mailbox, user=IN),
    Row("sign_delete", a_signature, user=IN),
    # what a user has beside mail
    Row("absence_detail", of_mailbox, user=IN),
    Row("absence_set", of_mailbox, user=IN),
    Row("profile_detail", of_mailbox, user=IN),
    Row("profile_change", of_mailbox, user=IN),
    Row("account_rights_list", of_mailbox, user=IN),
    Row("account_rights_set", of_mailbox, user=IN),
    Row("account_rights_effective", a_grantee, user=IN),
    Row("pull_list", of_mailbox, user=IN),
    Row("pull_create", of_mailbox, user=IN),
    Row("pull_detail", a_pull, user=IN),
    Row("pull_change", a_pull, user=IN),
    Row("pull_delete", a_pull, user=IN),
    Row("pull_try", a_pull, user=IN),
    # aliases and forwards
    Row("user_aliases", of_mailbox, user=IN),
    Row("user_alias_add", of_mailbox),
    Row("user_alias_replace", of_mailbox),
    Row("user_alias_remove", an_alias),
    Row("forwarding", of_mailbox, user=IN),
    Row("forwarding_set", of_mailbox, user=IN),
    Row("forward_list", of_domain, user=404),
    Row("forward_create", of_domain, user=404),
    Row("forward_detail", a_forward, user=404),
    Row("forward_change", a_forward, user=404),
    Row("forward_delete", a_forward, user=404),
    # groups
    Row("group_list", of_domain, user=404),
    Row("group_create", of_domain, user=404),
    Row("group_detail", a_group, user=404),
    Row("group_change", a_group, user=404),
    Row("group_delete", a_group_alone, user=404),
    Row("group_addresses", a_group, user=404),
    Row("group_address_add", a_group, user=404),
    Row("group_address_remove", a_recipient, user=404),
    # mailing lists: the user owns a_list
    Row("list_list", of_domain, user=404),
    Row("list_create", of_domain, user=404),
    Row("list_detail", a_list, user=IN),
    Row("list_change", a_list, user=IN),
    Row("list_delete", a_list, user=403),
    Row("subscriber_list", a_list, user=IN),
    Row("subscriber_add", a_list, user=IN),
    Row("subscriber_detail", a_subscriber, user=IN),
    Row("subscriber_change", a_subscriber, user=IN),
    Row("subscriber_accept", a_waiting_subscriber, user=IN),
    Row("subscriber_remove", a_subscriber, user=IN),
    # expansion
    Row("address_expansion", lambda place: {"address": place.mailbox.address}, foreign=IN, foreign_user=403),
    # policies
    Row("policy_list", of_domain, user=404),
    Row("policy_create", of_domain, user=404),
    Row("policy_detail", a_policy, user=404),
    Row("policy_change", a_policy, user=404),
    Row("policy_delete", a_policy, user=404),
    # sender rules
    Row("sender_rules_add", user=IN),
    Row("domain_sender_rules", of_domain, user=404),
    Row("domain_sender_rules_add", of_domain, user=404),
    Row("domain_sender_rules_replace", of_domain, user=404),
    Row("domain_sender_rule_replace", a_domain_sender_rule, user=404),
    Row("domain_sender_rule_delete", a_domain_sender_rule, user=404),
    Row("user_sender_rules", of_mailbox, user=IN),
    Row("user_sender_rules_add", of_mailbox, user=IN),
    Row("user_sender_rules_replace", of_mailbox, user=IN),
    Row("user_sender_rule_replace", a_user_sender_rule, user=IN),
    Row("user_sender_rule_delete", a_user_sender_rule, user=IN),
    # attachment, URI and DLP rules
    *(
        row
        for name, make in (("attachment_rule", an_attachment_rule), ("uri_rule", a_uri_rule), ("dlp_rule", a_dlp_rule))
        for row in (
            Row(f"{name}_list", of_domain, user=404),
            Row(f"{name}_create", of_domain, user=404),
            Row(f"{name}_replace", of_domain, user=404),
            Row(f"{name}_detail", make, user=404),
            Row(f"{name}_change", make, user=404),
            Row(f"{name}_delete", make, user=404),
        )
    ),
    Row("rule_trial", of_domain, user=404),
    # platforms
    Row("platform_list", of_domain, user=404),
    Row("platform_create", of_domain, user=404),
    Row("platform_detail", a_platform, user=404),
    Row("platform_change", a_platform, user=404),
    Row("platform_delete", a_platform, user=404),
    # DKIM
    Row("dkim_records", a_key_s_domain, user=404),
    Row("dkim_create", of_domain, user=404),
    Row("dkim_replace", of_domain, user=404),
    Row("dkim_delete", a_key_s_domain, user=404),
    Row("dkim_keys", of_domain, user=404),
    Row("dkim_rotate", of_domain, user=404),
    Row("dkim_key_activate", a_key, user=404),
    Row("dkim_key_retire", a_key, user=404),
    Row("dkim_key_delete", a_key, user=404),
    # health
    Row("health_failures"),
    Row("domain_health_check", of_domain, user=404),
    Row("domain_health", a_checked_domain, user=404),
    Row("platform_health_check", a_platform, user=404),
    Row("platform_health", a_tried_platform, user=404),
    Row("health_try_relay"),
    # quotas
    server_only("server_quota"),
    server_only("server_quota_change"),
    Row("domain_quota", of_domain, user=404),
    Row("domain_quota_change", of_domain, user=404),
    Row("user_quota", of_mailbox, user=IN),
    Row("user_quota_change", of_mailbox, user=403),
    # throttles
    server_only("server_throttles"),
    Row("server_throttle_set", a_server_throttle, user=403, delegate=403, foreign=403),
    Row("server_throttle_remove", a_server_throttle, user=403, delegate=403, foreign=403),
    Row("domain_throttles", of_domain, user=404),
    Row("domain_throttle_set", a_domain_throttle, user=404),
    Row("domain_throttle_remove", a_domain_throttle, user=404),
    Row("user_throttles", of_mailbox, user=IN),
    Row("user_throttle_set", a_user_throttle, user=403),
    Row("user_throttle_remove", a_user_throttle, user=403),
    # options
    everybody("option_catalogue"),
    server_only("server_options"),
    server_only("server_option_set"),
    Row("server_option_reset", option_of_server, user=403, delegate=403, foreign=403),
    server_only("broker_options", a_broker),
    server_only("broker_option_set", a_broker),
    server_only("broker_option_reset", lambda place: a_broker(place) | {"optionName": "X"}, administrator=404),
    Row("customer_options", of_customer, user=404, delegate=404),
    Row("customer_option_set", of_customer, user=404, delegate=404),
    Row("customer_option_reset", option_of_customer, user=404, delegate=404),
    Row("domain_options", of_domain, user=404),
    Row("domain_option_set", of_domain, user=404),
    Row("domain_option_reset", option_of_domain, user=404),
    Row("user_options", of_mailbox, user=IN),
    Row("user_option_set", of_mailbox, user=IN),
    Row("user_option_reset", option_of_user, user=IN),
    # administrators
    Row("admin_list"),
    Row("admin_detail", an_admin_alone, user=404, foreign_user=404),
    Row("admin_change", an_admin_alone, user=404, foreign_user=404),
    Row("admin_delete", an_admin_alone, user=404, foreign_user=404),
    *(
        Row(f"{what}_{verb}", make, user=404, delegate=delegate)
        for what, delegate, of, one in (
            ("domain", IN, of_domain, an_admin),
            ("customer", 404, of_customer, a_customer_s_admin),
        )
        for verb, make in (
            ("admins", of),
            ("admin_add", of),
            ("admin_detail", one),
            ("admin_authorities", one),
            ("admin_revoke", one),
        )
    ),
    Row("permission_list", query=lambda place: f"?scope=domain&id={place.domain.pk}", foreign_user=403),
    # roles
    everybody("role_built_in"),
    Row("role_list"),
    Row("role_create"),
    Row("role_detail", a_role, user=404),
    Row("role_change", a_role, user=404),
    Row("role_delete", a_role, user=404),
    # access tokens
    everybody("own_tokens"),
    everybody("own_token_create"),
    Row("own_token_revoke", an_own_token, user=IN, delegate=404, foreign=404, administrator=404),
    Row("admin_tokens", an_admin_alone, user=404),
    Row("admin_token_create", an_admin_alone, user=404, delegate=403),
    Row("admin_tokens_revoke", an_admin_with_a_token, user=404),
    Row("admin_token_revoke", a_token_of_an_admin, user=404),
    everybody("token_ask", anonymous=IN),
    # privileges
    Row("privileges_detail", of_mailbox, user=403),
    Row("privileges_change", of_mailbox, user=403),
    # audit trail
    Row("event_list"),
    Row("event_detail", an_event, user=404),
    Row("event_export"),
    server_only("event_verify"),
    everybody("own_events"),
    Row("customer_events", of_customer, user=404, delegate=404),
    Row("domain_events", of_domain, user=404),
    Row("user_events", of_mailbox, user=403),
    # tasks
    everybody("task_list"),
    everybody("task_commands"),
    everybody("task_start"),
    Row("task_detail", a_task, user=404, delegate=404),
    Row("task_log", a_task, user=404, delegate=404),
    Row("task_cancel", a_task, user=404, delegate=404),
    Row("task_restart", a_failed_task, user=404, delegate=404),
    # outgoing providers
    everybody("provider_list"),
    server_only("provider_create"),
    Row("provider_detail", a_provider, user=403, delegate=403, foreign=403),
    Row("provider_change", a_provider, user=403, delegate=403, foreign=403),
    Row("provider_delete", a_provider, user=403, delegate=403, foreign=403),
]
