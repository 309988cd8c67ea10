"""The accounts app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import offers
        from accounts.permissions import Right
        from config.kit import nav

        offers.register()

        nav.register(
            "directory", _("Users"), "accounts:user-list", "users", right=Right.MANAGE_USERS, order=30, keys="u"
        )
        nav.register(
            "account", _("My account"), "accounts:account", "user-circle", order=10, words=_("profile language")
        )
        nav.register_command(_("Change password"), "accounts:change-password", "key")
        nav.register_command(_("Invite a person"), "accounts:user-create", "plus", right=Right.MANAGE_USERS)
