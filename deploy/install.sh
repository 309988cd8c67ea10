#!/bin/sh
# Makes the virtual environment and installs one requirements file into it, by hash.
# For: the Makefile (STAMP, PYTHON, VENV come from there). Not for: production images, which do the same in two lines.
set -eu
requirements=$1
if [ -z "$PYTHON" ]; then
	echo "Postkeep needs Python 3.11, 3.12 or 3.13 with its venv module (Debian: apt install python3-venv)." >&2
	exit 1
fi
version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
wanted="$version $(cat requirements.txt "$requirements" | cksum)"
if [ -x "$VENV/bin/python" ] && [ "$(cat "$STAMP" 2>/dev/null || true)" = "$wanted" ]; then
	touch "$STAMP"
	exit 0
fi
[ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" \
	|| { echo "making $VENV with Python $version"; rm -rf "$VENV"; "$PYTHON" -m venv "$VENV"; }
echo "installing $requirements"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$requirements"
echo "$wanted" > "$STAMP"
