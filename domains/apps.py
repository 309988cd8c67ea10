"""The domains app."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"

    def ready(self) -> None:
        import domains.commands  # also where nothing autodiscovers tasks: a shell
        from accounts import following, holdings, ties
        from accounts.services import source_sign_in
        from domains import belonging, brand_configuration, configuration, offers
        from domains.services import first_sign_in, mailboxes

        assert domains.commands
        holdings.register_customers_of(belonging.customers_of)
        source_sign_in.register_maker(first_sign_in.make_person)
        following.register(mailboxes.follow_person)
        holdings.register_end_user_rights(belonging.end_user_rights)
        ties.register(belonging.has_mailbox)
        ties.register_main_address_of(belonging.main_address_of)
        ties.register_scope_of_address(belonging.scope_of_address)
        belonging.register_places()
        offers.register()
        configuration.register_parts()
        brand_configuration.register_part()
