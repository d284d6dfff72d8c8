#!/usr/bin/env bash
# The deploy on one machine: two shards of evidence, merged, built, held against the evidence,
# packed, served, read.
# Usage: tests/deploy.sh PROJECT PYTHON; the project is a folder with mkdocs.yml, docs/ and snippets/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$1" && pwd)
python=$2
runs=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || :; rm -rf "$runs"' EXIT
cd "$project"

for number in 1 2; do
  pages=$("$python" -m tooling.selection --root "$project" --shard "$number/2")
  rm -rf evidence
  # shellcheck disable=SC2086 # one argument a page
  "$python" -m pytest -q -p no:cacheprovider --rootdir "$project" -n 1 --dist loadfile $pages
  mv evidence "$runs/$number"
done

"$python" -m tooling.evidence merge --root "$project" "$runs/1" "$runs/2"
"$python" -m mkdocs build --quiet --clean
"$python" -m tooling.ledger --root "$project" --devices cpu
if "$python" -m tooling.ledger --root "$project" --devices cpu,cuda >"$runs/refused" 2>&1; then
  echo "the ledger accepted a site without evidence from a GPU" >&2
  exit 1
fi
grep -q "no evidence on cuda" "$runs/refused"
"$python" -m tooling.offline --root "$project"

"$python" -m http.server --bind 127.0.0.1 --directory site 0 >"$runs/server" 2>&1 &
server=$!
for _ in $(seq 100); do
  port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' "$runs/server")
  [ -n "$port" ] && break
  sleep 0.1
done
"$python" "$here/read_site.py" "http://127.0.0.1:$port/"
