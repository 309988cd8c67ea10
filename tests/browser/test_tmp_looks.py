from __future__ import annotations
import os
import pytest
from django.urls import reverse
from archive import engines
from archive.models import Store, BackupSet
from archive.services import sealing, store_changes
from archive.services.backup.destinations import create_destination
from archive.services.store_places import DatabasePlace, Place
from archive.services.stores import NewStore, create_store
from accounts.actors import Actor
from config.kit import paths
from jobs.services import run_waiting, run_here, submit
from archive.backup_commands import RunBackupArguments
from archive.commands.upkeep import OneStoreArguments
from tests.archive.django.test_database_stores import archive_in_batches
from tests.browser.test_store_kinds import look, no_schema_stays
from tests.domains.factories import make_customer

SYSTEM = Actor.system()

def test_looks(page_as, administrator, user, monkeypatch):
    from psycopg import connect
    from archive import grounds
    monkeypatch.setattr(engines, "PACK_BYTES", 500)
    page = page_as(administrator, forgive=("status of 422",))
    make_customer("Lighthouse Ltd.")
    wrong = []
    store = create_store(SYSTEM, name="Letters", wanted=NewStore("Letters", Place(postgres=DatabasePlace()), state="current"))
    archive_in_batches(user)
    page.goto(reverse("archive:store-action", args=[store.pk, "seal"])); wrong += look(page, "seal-action")
    task = submit(Actor.for_user(administrator), "SealStorePacks", OneStoreArguments(id=store.pk))
    run_waiting(task.pk)
    page.goto(reverse("jobs:task-detail", args=[task.pk])); wrong += look(page, "seal-result")
    page.goto(reverse("archive:store-list")); wrong += look(page, "store-list-one")
    other = create_store(SYSTEM, name="Folder", wanted=NewStore("Folder", state="current"))
    page.goto(reverse("archive:store-list")); wrong += look(page, "store-list")
    page.goto(reverse("archive:store-detail", args=[store.pk])); wrong += look(page, "detail")
    page.goto(reverse("archive:store-edit", args=[store.pk])); wrong += look(page, "edit")
    page.goto(reverse("archive:store-edit", args=[other.pk])); wrong += look(page, "edit-folder")
    page.goto(reverse("archive:store-upkeep", args=[store.pk])); wrong += look(page, "upkeep")
    page.goto(reverse("archive:store-create")); wrong += look(page, "create-folder")
    page.select_option("[name=kind]", "postgres"); page.wait_for_selector("[name=objects_path]"); wrong += look(page, "create-own")
    page.select_option("[name=database]", "other"); page.wait_for_selector("[name=dsn]")
    page.fill("[name=name]", "Mine"); page.fill("[name=dsn]", "host=127.0.0.1 dbname=x"); page.fill("[name=schema_name]", "mail_x")
    page.click("text=Make the store"); page.wait_for_selector(".form__error, .field__error, [aria-invalid=true]"); wrong += look(page, "create-refused")
    monkeypatch.setenv("POSTKEEP_BACKUP_ROOTS", str(paths.home()))
    place = create_destination(SYSTEM, name="Here", kind="folder", path=str(paths.home() / "bk"))
    run_here(SYSTEM, "RunBackup", RunBackupArguments("Here"))
    backup = BackupSet.objects.get(destination=place)
    store_changes.set_state(SYSTEM, store, "disabled")
    page.goto(reverse("archive:restore-store", args=[backup.pk]))
    page.select_option("[name=store]", "Letters") if page.locator("select[name=store]").count() else None
    page.click("text=Show what would happen"); page.wait_for_load_state(); wrong += look(page, "restore-preview")
    page.goto(reverse("archive:restore-archive", args=[backup.pk])); wrong += look(page, "restore-archive")
    page.goto(reverse("archive:store-detach", args=[store.pk])); wrong += look(page, "detach")
    store.refresh_from_db(); store_changes.detach_store(SYSTEM, store)
    page.goto(reverse("archive:store-attach")); wrong += look(page, "attach-folder")
    page.select_option("[name=kind]", "postgres"); page.wait_for_selector("[name=schema_name]")
    page.fill("[name=name]", "Back"); page.fill("[name=schema_name]", "store_letters"); 
    page.click("text=Look what lies there"); page.wait_for_selector("text=It was attached before"); wrong += look(page, "attach-found")
    page.select_option("[name=customer]", label="Lighthouse Ltd.")
    page.click("text=Attach the store"); page.wait_for_selector("text=It holds mail of"); wrong += look(page, "attach-refused")
    print("\n".join(wrong))
    assert not wrong
