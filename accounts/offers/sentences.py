"""The sentences of this app's audit events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "grant.add": _("Rights given"),
            "grant.change": _("Rights changed"),
            "grant.remove": _("Rights taken"),
            "option.reset": _("Option inherited again"),
            "option.set": _("Option set"),
            "audit.export": _("Audit trail exported"),
            "audit.verify": _("Audit trail verified"),
            "folder.share": _("Folder shared"),
            "folder.unshare": _("Folder shared no more"),
            "role.change": _("Role changed"),
            "role.create": _("Role made"),
            "role.delete": _("Role deleted"),
            "apppassword.create": _("App password made"),
            "apppassword.delete": _("App password deleted"),
            "apppassword.delete_all": _("All app passwords deleted"),
            "signin.block": _("Network blocked"),
            "signin.unblock": _("Network let in again"),
            "signin.lift_wait": _("Wait after wrong guesses lifted"),
            "signin.report_failure": _("Failed sign-in reported"),
            "session.end": _("Session ended"),
            "session.end_all": _("Sessions ended"),
            "source.add_group": _("Group of a source gives a role"),
            "source.bind": _("Bound to a source of identity"),
            "source.change": _("Source of identity changed"),
            "source.choose": _("Source of identity chosen"),
            "source.create": _("Source of identity made"),
            "source.delete": _("Source of identity deleted"),
            "source.release": _("Unbound from a source of identity"),
            "source.sync": _("People taken over from a directory"),
            "source.try": _("Source of identity tried"),
            "source.remove_group": _("Group of a source gives a role no more"),
            "token.create": _("Access token made"),
            "token.revoke": _("Access token revoked"),
            "token.revoke_all": _("All access tokens revoked"),
            "user.act_as": _("Somebody acted as this person"),
            "user.act_as_end": _("Acting as this person ended"),
            "user.change": _("Account changed"),
            "user.create": _("Account made"),
            "user.delete": _("Account deleted"),
            "user.disable": _("Shut out"),
            "user.edit": _("Name or language changed"),
            "user.enable": _("Let in again"),
            "user.invitation_link": _("Invitation link made"),
            "user.make_administrator": _("Made a system administrator"),
            "user.rename": _("Address changed"),
            "user.remove_second_factors": _("Second factors switched off"),
            "user.reset_link": _("Link for a new password made"),
            "user.set_authentication": _("Way of signing in changed"),
            "user.set_password": _("Password set"),
            "user.set_preferences": _("Preferences changed"),
            "user.set_privileges": _("Privileges changed"),
            "user.sign_in": _("Signed in"),
            "user.sign_in_by_link": _("Signed in by a link"),
            "user.sign_in_failed": _("Signing in failed"),
            "user.sign_in_link": _("Link to sign in once made"),
            "user.sign_out": _("Signed out"),
            "user.verify_password": _("Password compared"),
            "user.unmake_administrator": _("System administrator no more"),
        }
    )
