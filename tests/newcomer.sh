#!/usr/bin/env bash
# A first contribution as the guide tells it, in a clean clone: new page, edits, run, update, claims, lint, commit.
# Usage: tests/newcomer.sh PROJECT; PROJECT has its environment in .venv, which the clone borrows.
set -euo pipefail
project=$(cd "$1" && pwd)
samples=$project/tests/samples/newcomer
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone --quiet "$project" "$clone"
cd "$clone"
[ -d "$project/.hub" ] && ln -s "$project/.hub" .hub
export MYPY_CACHE_DIR=$project/.mypy_cache
page=docs/nlp/character-entropy.md
run() { make --no-print-directory -o "$project/.venv/.ready" VENV="$project/.venv" "$@"; }

run new PAGE=nlp/character-entropy TITLE="字的熵"
run pages PAGE=$page # what the template writes runs at once
cp "$samples/character-entropy.md" $page
cp "$samples/character_entropy.py" snippets/nlp/
if run pages PAGE=$page >refused 2>&1; then
  echo "a page without its outputs was accepted" >&2
  exit 1
fi
grep -q "make update" refused || { cat refused >&2; exit 1; }
rm refused
run update PAGE=$page
run pages PAGE=$page
run claims PAGE=$page
run lint
"$project/.venv/bin/python" -m pytest -q -p no:cacheprovider tests/site/test_facts.py -k "entropy"
git add .
git -c user.name=Newcomer -c user.email=newcomer@example.org commit --quiet -m "Add the page nlp/character-entropy"
echo "files touched:"
git show --format= --name-only
