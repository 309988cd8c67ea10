"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import offers
        from accounts.remembering import PersonStore
        from config.kit.preferences import register_store

        offers.register()
        register_store(PersonStore())
