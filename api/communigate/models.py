"""What the dialect keeps: settings that mean nothing here and are given back as they came, and secrets for APOP."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from config.kit.sealed import SealedTextField
from domains.models import Address, Domain


class KeptSettings(models.Model):
    """One dictionary in CommuniGate's format. Of an address (an account, group, list …), a domain, or the server.

    Sealed: nobody knows what is in it, and among settings of a mail server are passwords.
    """

    what = models.CharField(max_length=40)  # "settings", "accountdefaults", "network" …
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, related_name="+")
    address = models.ForeignKey(Address, on_delete=models.CASCADE, null=True, related_name="+")
    text = SealedTextField(purpose="kept settings")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["what", "domain", "address"], nulls_distinct=False, name="api_kept_settings_once"
            ),
            models.CheckConstraint(condition=Q(domain=None) | Q(address=None), name="api_kept_settings_of_one_thing"),
        ]

    def __str__(self) -> str:
        return self.what


class ApopSecret(models.Model):
    """What a person's client proves to know without sending it. Sealed: APOP needs it in clear to compare."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    secret = SealedTextField(purpose="apop secret")

    def __str__(self) -> str:
        return str(self.person)
