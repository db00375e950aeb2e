#!/usr/bin/env bash
# Makes the pictures of the README from the demo's report; needs Debian's chromium.
#   make demo && docs/make_pictures.sh
set -euo pipefail
cd "$(dirname "$0")/.."
report="$PWD/sweeps/burgers-balancing/report.html"
profile="$(mktemp -d)"
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$profile" --hide-scrollbars --window-size=1100,1330 \
    --virtual-time-budget=8000 --screenshot="$PWD/docs/images/burgers-balancing.png" \
    "file://$report"
