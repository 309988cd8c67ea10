"""Sources, certificates and branding in the configuration file; files of another house."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from accounts.actors import Actor
from accounts.models import GroupRole, Source, SourceChoice, User
from accounts.scopes import SERVER
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role
from accounts.services.roles import create_role
from accounts.services.sources import choose_source, create_source, delete_source, update_source
from domains.models import Branding, BrandLogo, Customer, Domain
from domains.services.branding import remove_logo, set_branding, set_logo
from domains.services.customers import create_customer
from gateway.models import Certificate
from gateway.services.certificates import save_certificate
from jobs.configuration import files
from jobs.configuration.services import compare, export_configuration, import_configuration
from jobs.errors import BadValue
from tests.certificates import make_certificate
from tests.domains.branding.pictures import png
from tests.domains.factories import make_domain

SYSTEM = Actor.system()
SECRET = "hunter2hunter2"  # what must never show
PASSPHRASE = "a long passphrase"
PARTS = ["sources", "source_groups", "source_choices"]
OIDC = {"issuer": "https://login.example.org", "client_id": "postkeep"}


def make_pair(name: str) -> tuple[str, str]:
    """A certificate and its key, in PEM."""
    made = make_certificate(name)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.pem, made.key.private_bytes(serialization.Encoding.PEM, *form).decode()


def wanted_of(text: str, passphrase: str = "") -> Any:
    return files.read(text, passphrase)


def actions(diff: Any) -> list[tuple[str, str, str]]:
    return [(each.part.name, each.key, each.action) for each in diff.changes if each.action != "stay"]


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.org", create_customer(SYSTEM, name="Ours / main"))


def set_up_source(domain: Domain) -> Source:
    source = create_source(
        SYSTEM, domain.customer, kind="oidc", name="Head / office", settings=OIDC, secret=SECRET, creates_people=True
    )
    role = create_role(SYSTEM, domain, name="Night / shift", rights=["view_users"])
    add_group_role(SYSTEM, source, group="night", bundle=Bundle(role=role), obj=domain)
    add_group_role(SYSTEM, source, group="desk", bundle=Bundle("help_desk"), obj=domain.customer)
    choose_source(SYSTEM, domain, source)
    choose_source(SYSTEM, SERVER, None)
    return source


def take_down() -> None:
    SourceChoice.objects.all().delete()
    GroupRole.objects.all().delete()
    for source in Source.objects.all():
        delete_source(SYSTEM, source)


def test_sources_their_groups_and_choices_come_back_as_they_were(domain: Domain, administrator: User) -> None:
    set_up_source(domain)
    before, sealed = export_configuration(SYSTEM, parts=PARTS), export_configuration(SYSTEM, passphrase=PASSPHRASE)
    assert SECRET not in before + sealed and '"$secret": null' in before
    key = "customer:Ours / main/Head / office"
    assert json.loads(before)["parts"]["source_choices"] == {
        "domain:example.org": {"source": key}, "server": {"source": None},
    }  # fmt: skip
    take_down()
    boss = Actor.for_user(administrator)
    import_configuration(boss, wanted_of(sealed, PASSPHRASE), parts=PARTS)
    made = Source.objects.get()
    assert made.secret.reveal() == SECRET and made.configured_by_label == administrator.email
    assert export_configuration(SYSTEM, parts=PARTS) == before
    assert not compare(boss, wanted_of(sealed, PASSPHRASE), parts=PARTS, removes=True).does_something


def test_a_secret_that_the_file_does_not_say_remains_to_be_typed_and_one_that_is_here_stays(domain: Domain) -> None:
    source = set_up_source(domain)
    text = export_configuration(SYSTEM, parts=PARTS)
    update_source(SYSTEM, source, {"creates_people": False})
    diff = import_configuration(SYSTEM, wanted_of(text))
    assert diff.unset == [] and actions(diff) == [("sources", "customer:Ours / main/Head / office", "change")]
    source.refresh_from_db()
    assert source.secret.reveal() == SECRET and source.creates_people
    take_down()
    diff = import_configuration(SYSTEM, wanted_of(text))
    assert [(each.part.name, each.name) for each in diff.unset] == [("sources", "secret")]
    assert not Source.objects.get().secret


def test_groups_are_added_and_removed_one_by_one_and_what_a_file_lacks_goes_only_where_that_is_asked(
    domain: Domain,
) -> None:
    source = set_up_source(domain)
    wanted = wanted_of(export_configuration(SYSTEM, parts=PARTS))
    kept = GroupRole.objects.get(group="desk").pk
    (lines,) = wanted["source_groups"].values()
    lines["groups"] = [each for each in lines["groups"] if each["group"] == "desk"]
    import_configuration(SYSTEM, wanted)
    assert list(source.group_roles.values_list("pk", flat=True)) == [kept]
    import_configuration(SYSTEM, {"sources": {}, "source_groups": {}, "source_choices": {}})
    assert Source.objects.exists()
    import_configuration(SYSTEM, {"sources": {}, "source_groups": {}, "source_choices": {}}, removes=True)
    assert not Source.objects.exists() and not SourceChoice.objects.exists()


def test_a_file_of_another_house_says_all_that_is_missing_here_before_anything_is_tried(domain: Domain) -> None:
    set_up_source(domain)
    text = export_configuration(SYSTEM)
    take_down()
    elsewhere = text.replace("example.org", "example.net").replace("Ours / main", "Theirs")
    wanted = wanted_of(elsewhere)
    diff = compare(SYSTEM, wanted, parts=PARTS)
    missing = {(each.part.name, each.text.split("“")[1].split("”")[0]) for each in diff.remarks if each.is_missing}
    assert missing == {
        ("sources", "Theirs"), ("source_groups", "example.net"), ("source_groups", "Theirs"),
        ("source_groups", "domain:example.net/Night / shift"), ("source_choices", "example.net"),
    }  # fmt: skip
    with pytest.raises(BadValue, match="Theirs"):
        import_configuration(SYSTEM, wanted, parts=PARTS)
    assert not Source.objects.exists()
    whole = compare(SYSTEM, wanted)  # with the parts that have them, nothing is missing
    assert not [each for each in whole.remarks if each.is_missing]
    import_configuration(SYSTEM, wanted)
    assert SourceChoice.objects.exclude(source=None).get().scope.id == Domain.objects.get(name="example.net").pk
    assert Customer.objects.filter(name="Theirs").exists()


def test_a_source_is_imported_by_who_could_have_set_it_up_and_no_kind_turns_into_another(
    domain: Domain, administrator: User
) -> None:
    set_up_source(domain)
    wanted = wanted_of(export_configuration(SYSTEM, parts=["sources"]))
    (values,) = wanted["sources"].values()
    with pytest.raises(BadValue, match="another kind"):
        import_configuration(SYSTEM, {"sources": {key: {**values, "kind": "ldap"} for key in wanted["sources"]}})
    cases: list[dict[str, Any]] = [
        {"settings": {"issuer": "http://evil.example"}},
        {"settings": []},
        {"is_enabled": "yes", "x": 1},
    ]
    for broken in cases:
        with pytest.raises(BadValue):
            import_configuration(SYSTEM, {"sources": {key: {**values, **broken} for key in wanted["sources"]}})
    assert Source.objects.get().settings["issuer"] == OIDC["issuer"]


# --- certificates and branding ---------------------------------------------------------------------------------------


def test_certificates_are_told_without_keys_and_files_come_over_by_their_paths(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTKEEP_CERTIFICATE_ROOTS", str(tmp_path))
    chain, key = make_pair("mail.example.org")
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(key)
    save_certificate(SYSTEM, None, {"name": "Kept", "chain": chain, "private_key": key, "is_default": True})
    paths = {"chain_path": str(tmp_path / "chain.pem"), "key_path": str(tmp_path / "key.pem")}
    save_certificate(SYSTEM, None, {"name": "Files", **paths})
    text = export_configuration(SYSTEM, parts=["certificates"], passphrase=PASSPHRASE)
    found = json.loads(text)["parts"]["certificates"]
    assert "PRIVATE" not in text and found["Kept"]["private_key"] == {"$secret": None}
    assert found["Files"]["chain_path"].endswith("chain.pem") and len(found["Kept"]["fingerprint"]) == 64
    assert compare(SYSTEM, wanted_of(text, PASSPHRASE)).unset == []
    Certificate.objects.all().delete()
    diff = import_configuration(SYSTEM, wanted_of(text, PASSPHRASE))
    assert [(each.key, each.name, each.is_left_out) for each in diff.unset] == [("Kept", "private_key", True)]
    assert Certificate.objects.get().name == "Files" and Certificate.objects.get().hosts == ["mail.example.org"]


def test_another_certificate_of_the_same_name_stays_and_that_is_said(db: None) -> None:
    chain, key = make_pair("mail.example.org")
    save_certificate(SYSTEM, None, {"name": "Kept", "chain": chain, "private_key": key})
    wanted = wanted_of(export_configuration(SYSTEM, parts=["certificates"]))
    wanted["certificates"]["Kept"] |= {"fingerprint": "ab" * 32, "hosts": ["other.example"], "is_default": True}
    diff = import_configuration(SYSTEM, wanted)
    assert ["abababababababab" in each.text for each in diff.remarks] == [True]
    assert [field.name for change in diff.changes for field in change.fields] == ["is_default"]
    assert Certificate.objects.get().hosts == ["mail.example.org"] and Certificate.objects.get().is_default


def test_branding_comes_over_with_its_logo_and_a_logo_that_is_none_is_refused(domain: Domain) -> None:
    set_branding(SYSTEM, domain, {"name": "Ours", "colour": "#1d4ed8", "greeting": {"": "Hello", "de": "Hallo"}})
    set_logo(SYSTEM, domain, png())
    content = bytes(BrandLogo.objects.get().content)
    text = export_configuration(SYSTEM, parts=["branding"])
    assert base64.b64decode(json.loads(text)["parts"]["branding"]["domain:example.org"]["logo"]) == content
    set_branding(SYSTEM, domain, {"name": None, "greeting": None})
    remove_logo(SYSTEM, domain)
    import_configuration(SYSTEM, wanted_of(text))
    row = Branding.objects.get()
    assert (row.name, row.greeting) == ("Ours", {"": "Hello", "de": "Hallo"})
    assert bytes(row.logo.content) == content and not compare(SYSTEM, wanted_of(text)).does_something
    svg = base64.b64encode(b"<svg onload=alert(1)>").decode()
    for bad in ("!", svg, "A" * 4_000_000, 7):
        with pytest.raises(BadValue):
            import_configuration(SYSTEM, {"branding": {"domain:example.org": {"logo": bad}}})
    assert bytes(BrandLogo.objects.get().content) == content
    import_configuration(SYSTEM, {"branding": {}}, removes=True)
    assert not BrandLogo.objects.exists() and Branding.objects.get().name is None
