"""The static files as served: hashed names, compressed, without what no page of ours uses."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Of the wheels' files we serve the minified ones our pages name; a test resolves every name in the templates.
LEFT_OUT = ["*.map", "*.rtl.*", "bootstrap.*", "bootstrap-utilities*", "htm*-4*", "htmx-2.js"]


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Follows `url()` and `@import`, but not the comments that name source maps, which are left out."""

    patterns = (("*.css", CompressedManifestStaticFilesStorage.patterns[0][1][:2]),)
