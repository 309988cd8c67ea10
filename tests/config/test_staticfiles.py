"""What `up` collects is all that the pages name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from config.kit import paths

NAMED = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")


def test_every_static_file_that_a_template_names_is_collected(tmp_path: Path) -> None:
    code = "import django; django.setup(); from config import preparing; preparing.collect_static_files()"
    environment = {**os.environ, "POSTKEEP_HOME": str(tmp_path), "POSTKEEP_PART": "prepare"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    subprocess.run([sys.executable, "-c", code], cwd=paths.BASE_DIR, env=environment, check=True)
    collected = json.loads((tmp_path / "static" / "staticfiles.json").read_text())["paths"]
    templates = list((paths.BASE_DIR / "templates").rglob("*.html"))
    named = {name for template in templates for name in NAMED.findall(template.read_text())}
    assert named
    assert named - set(collected) == set()
    assert all((tmp_path / "static" / hashed).exists() for hashed in collected.values())
    mark = (tmp_path / "static.fingerprint").stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", code], cwd=paths.BASE_DIR, env=environment, check=True)
    assert (tmp_path / "static.fingerprint").stat().st_mtime_ns == mark
