"""What this app's audit events say to people, on the trail where anything may stand beside them.

On the history tab of one object shorter ones do (`domains.wording`).
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(_TENANTS)
    sentences.register(_MAILBOXES)
    sentences.register(_ADDRESSES)
    sentences.register(_RULES)
    sentences.register(_DELIVERY)


_TENANTS = {
    "broker.create": _("Broker made"),
    "broker.delete": _("Broker deleted"),
    "broker.edit": _("Broker changed"),
    "customer.create": _("Customer made"),
    "customer.delete": _("Customer deleted"),
    "customer.disable": _("Customer suspended"),
    "customer.edit": _("Customer changed"),
    "customer.enable": _("Customer served again"),
    "customer.export": _("List of customers exported"),
    "customer.set_limits": _("Limits of a customer set"),
    "domain.add_names": _("Names added to a domain"),
    "domain.check_health": _("Health of a domain checked"),
    "domain.create": _("Domain added"),
    "domain.delete": _("Domain deleted"),
    "domain.edit": _("Domain changed"),
    "domain.export": _("List of domains exported"),
    "domain.move": _("Domain moved to this customer"),
    "domain.move_away": _("Domain moved to another customer"),
    "domain.purge": _("Domain purged"),
    "domain.remove_names": _("Names of a domain given up"),
    "domain.rename": _("Domain renamed"),
    "domain.restore": _("Domain restored"),
    "domain.set_limits": _("Limits of a domain set"),
    "domain.set_policy": _("Policy of a domain set"),
    "domain.set_quota": _("Quotas of a domain set"),
    "domain.set_status": _("State of a domain changed"),
    "provider.create": _("Outgoing provider made"),
    "provider.delete": _("Outgoing provider deleted"),
    "provider.edit": _("Outgoing provider changed"),
    "quota.set": _("Quotas of the server set"),
    "throttle.remove": _("Throttle removed"),
    "throttle.set": _("Throttle set"),
}
_MAILBOXES = {
    "mailbox.add_alias": _("Alias given to a user"),
    "mailbox.create": _("User made"),
    "mailbox.delete": _("User deleted"),
    "mailbox.edit": _("User changed"),
    "mailbox.export": _("List of users exported"),
    "mailbox.purge": _("User purged"),
    "mailbox.remove_alias": _("Alias taken from a user"),
    "mailbox.rename": _("User got another address"),
    "mailbox.restore": _("User restored"),
    "mailbox.set_absence": _("Absence note changed"),
    "mailbox.set_forwarding": _("Forwarding of a user changed"),
    "mailbox.set_information": _("Information about a user changed"),
    "mailbox.set_policy": _("Policy of a user changed"),
    "mailbox.set_policy_values": _("Own values of a user's policy changed"),
    "mailbox.set_preferences": _("Preferences of a user's programs changed"),
    "mailbox.set_quota": _("Quotas of a user set"),
    "mailbox.set_relay": _("Relay of a user changed"),
    "mailbox.set_rights": _("Rights on a user's mailbox changed"),
    "mailbox.set_signature": _("Signature changed"),
    "mailbox.set_status": _("State of a user changed"),
    "mailbox.set_type": _("Type of an account changed"),
    "pull.create": _("Fetching from another account set up"),
    "pull.delete": _("Fetching from another account ended"),
    "pull.update": _("Fetching from another account changed"),
    "user.import": _("Users imported"),
}
_ADDRESSES = {
    "address.export": _("List of addresses exported"),
    "alias.create": _("Alias made"),
    "alias.delete": _("Alias deleted"),
    "alias.edit": _("Alias changed"),
    "alias.rename": _("Alias got another address"),
    "forward.add_targets": _("Targets of a forward added"),
    "forward.create": _("Forward made"),
    "forward.delete": _("Forward deleted"),
    "forward.edit": _("Forward changed"),
    "forward.remove_targets": _("Targets of a forward removed"),
    "forward.rename": _("Forward got another address"),
    "group.add_members": _("Members of a group added"),
    "group.create": _("Group made"),
    "group.delete": _("Group deleted"),
    "group.edit": _("Group changed"),
    "group.remove_members": _("Members of a group removed"),
    "group.rename": _("Group got another address"),
    "group.set_senders": _("Who may send to a group changed"),
    "list.accept": _("Subscriber accepted"),
    "list.confirm": _("Subscription confirmed"),
    "list.create": _("Mailing list made"),
    "list.delete": _("Mailing list deleted"),
    "list.edit": _("Mailing list changed"),
    "list.pause": _("Subscription paused after bounces"),
    "list.rename": _("Mailing list got another address"),
    "list.set_mode": _("Subscription changed"),
    "list.set_posting": _("Right to post changed"),
    "list.subscribe": _("Subscribers added"),
    "list.unsubscribe": _("Subscribers removed"),
}
_RULES = {
    "attachment_rule.create": _("Attachment rule made"),
    "attachment_rule.delete": _("Attachment rule deleted"),
    "attachment_rule.export": _("Attachment rules exported"),
    "attachment_rule.import": _("Attachment rules imported"),
    "attachment_rule.move": _("Attachment rule put at another place"),
    "attachment_rule.update": _("Attachment rule changed"),
    "dlp_rule.create": _("DLP rule made"),
    "dlp_rule.delete": _("DLP rule deleted"),
    "dlp_rule.export": _("DLP rules exported"),
    "dlp_rule.import": _("DLP rules imported"),
    "dlp_rule.move": _("DLP rule put at another place"),
    "dlp_rule.update": _("DLP rule changed"),
    "policy.create": _("Policy made"),
    "policy.delete": _("Policy deleted"),
    "policy.update": _("Policy changed"),
    "sender_rule.create": _("Sender rule made"),
    "sender_rule.delete": _("Sender rule deleted"),
    "sender_rule.export": _("Sender rules exported"),
    "sender_rule.import": _("Sender rules imported"),
    "sender_rule.move": _("Sender rule put at another place"),
    "sender_rule.update": _("Sender rule changed"),
    "uri_rule.create": _("Link rule made"),
    "uri_rule.delete": _("Link rule deleted"),
    "uri_rule.export": _("Link rules exported"),
    "uri_rule.import": _("Link rules imported"),
    "uri_rule.move": _("Link rule put at another place"),
    "uri_rule.update": _("Link rule changed"),
}
_DELIVERY = {
    "dkim.activate": _("DKIM key signs from now on"),
    "dkim.create": _("DKIM key made"),
    "dkim.delete": _("DKIM key deleted"),
    "dkim.retire": _("DKIM key signs no more"),
    "relay.create": _("Relay made"),
    "relay.delete": _("Relay deleted"),
    "relay.make_default": _("Default relay changed"),
    "relay.try": _("Relay tried"),
    "relay.update": _("Relay changed"),
}
