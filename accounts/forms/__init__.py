"""The shape of what people type in this app's pages, one module a subject. Rules raise in the services."""

from accounts.forms.people import (
    AccountForm,
    ChangePasswordForm,
    FirstAdministratorForm,
    NewPasswordForm,
    ReasonForm,
    SignInForm,
    UserForm,
)
from accounts.forms.rights import AdministratorForm, GrantForm, PlaceForm, RoleForm
from accounts.forms.tokens import TokenForm

__all__ = [
    "AccountForm",
    "AdministratorForm",
    "ChangePasswordForm",
    "FirstAdministratorForm",
    "GrantForm",
    "NewPasswordForm",
    "PlaceForm",
    "ReasonForm",
    "RoleForm",
    "SignInForm",
    "TokenForm",
    "UserForm",
]
