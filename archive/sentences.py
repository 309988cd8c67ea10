"""What this app's audit events say to people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "archive.close": _("Archive of somebody closed"),
            "archive.notice": _("Notice about opened archives delayed"),
            "archive.open": _("Archive of somebody opened"),
            "archive.package": _("Mail of somebody put into an evidence package"),
            "archive.read": _("Message of somebody read"),
            "archive.search": _("Archive of somebody searched"),
            "evidence.key": _("Signing key of the server made"),
            "evidence.key_lost": _("Signing key of the server lost, another one made"),
            "compliance.set": _("Compliance settings changed"),
            "hold.place": _("Legal hold placed"),
            "hold.release": _("Legal hold ended"),
            "hold.rename": _("Legal hold renamed"),
            "index.again": _("Mail indexed again"),
            "keys.recover": _("Keys of the archive recovered"),
            "mail.delete": _("Archived message deleted"),
            "mail.delete_many": _("Many archived messages deleted"),
            "mail.export": _("Mail exported"),
            "mail.import": _("Mail imported"),
            "package.create": _("Evidence package asked for"),
            "package.delete": _("Evidence package deleted"),
            "package.download": _("Evidence package downloaded"),
            "package.ready": _("Evidence package made"),
            "retention.certify": _("Certificate of deletions written"),
            "retention.process": _("Retention processed"),
            "retention.set": _("Retention policies changed"),
            "profile.automatic": _("Automatic execution of a profile set"),
            "profile.create": _("Profile made"),
            "profile.delete": _("Profile deleted"),
            "profile.run": _("Profile run"),
            "profile.update": _("Profile changed"),
            "keys.renew": _("Master key renewed"),
            "server.compact_database": _("Master database compacted"),
            "store.attach": _("Store attached"),
            "store.autocreate": _("Automatic making of stores changed"),
            "store.bind": _("Store bound to a customer, or not any more"),
            "store.compact": _("Store compacted"),
            "store.create": _("Store made"),
            "store.detach": _("Store detached"),
            "store.maintain": _("Catalogue of a store tidied"),
            "store.merge": _("Store merged into another"),
            "store.move": _("Folders of a store changed"),
            "store.rebuild_index": _("Search index of a store rebuilt"),
            "store.recover": _("Store recovered"),
            "store.sign": _("Store signed"),
            "store.recreate_journal": _("Journal of a store written anew"),
            "store.rename": _("Store renamed"),
            "store.repair": _("Catalogue of a store repaired"),
            "store.retry": _("Stores tried again that could not be opened"),
            "store.select_indexes": _("Search index of a store marked for rebuilding"),
            "store.state": _("State of a store changed"),
            "store.statistics": _("Statistics of a store refreshed"),
            "store.unlock": _("Store of another installation unlocked"),
            "store.upgrade": _("Store upgraded"),
            "store.verify": _("Store verified"),
            "upload.create": _("File sent to be imported"),
        }
    )
