#!/bin/sh
# All static checks; runs every one of them and fails if any did. For: make lint (BIN comes from there).
failed=""
step() {
	name=$1
	shift
	echo "== $name"
	"$@" || failed="$failed [$name]"
}
POSTKEEP_HOME=$(mktemp -d)
export POSTKEEP_HOME
trap 'rm -rf "$POSTKEEP_HOME"' EXIT INT TERM
step "ruff check" "$BIN/ruff" check .
step "ruff format" "$BIN/ruff" format --check .
step "mypy --strict" "$BIN/mypy" --strict .
step "import rules" "$BIN/lint-imports"
step "migrations" "$BIN/python" -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
step "check --deploy" env POSTKEEP_URL=https://mail.example.org "$BIN/python" manage.py check --deploy --fail-level WARNING
if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
echo "lint: all green"
