#!/usr/bin/env bash
# Sends a payload (features only: .csv, or .json with "instances") to the server on port PORT (8080) of this machine.
set -euo pipefail
case ${1-} in
  *.csv) type=text/csv ;;
  *.json) type=application/json ;;
  *) echo "usage: [PORT=8080] predict.sh PAYLOAD.csv|PAYLOAD.json" >&2; exit 2 ;;
esac
if [ ! -f "$1" ]; then echo "There is no file $1." >&2; exit 2; fi
command -v curl >/dev/null || { echo "curl is not on PATH. Install it (Debian, Ubuntu: apt-get install curl)." >&2; exit 2; }
# A server that is just starting is waited for.
exec curl --silent --show-error --fail-with-body --retry 10 --retry-connrefused --header "Content-Type: $type" --data-binary "@$1" \
  "http://127.0.0.1:${PORT:-8080}/invocations"
