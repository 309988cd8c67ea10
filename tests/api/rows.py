"""The rows of the API's access table, in the order of the reference."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.scopes import SERVER
from accounts.services.options import set_option
from domains.models import Broker
from tests.api.matrix import IN, Row, everybody, of_customer, of_domain, of_mailbox, server_only
from tests.api.world import Place


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
    return {"userId": place.mailbox.pk, "optionName": "TIME_ZONE"}


ROWS = [
    everybody("me"),
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
]
