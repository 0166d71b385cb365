#!/bin/sh
# Builds ../shipped (or the folder that is given) in a temporary folder, so that no packages lie in the tree.
set -eu
app=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$app/../shipped"}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$app/." "$work/"
cd "$work"
# No package's own scripts: the lock's bytes are all that runs.
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node build.mjs "$out"
