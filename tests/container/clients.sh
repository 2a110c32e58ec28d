#!/usr/bin/env bash
# Sees to what drives and receives the image in the tests: AWS's own clients, in an environment outside the tree; and, as root on Debian or Ubuntu, a registry and docker-compose from the distribution's packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
source local_test/environment.sh
missing=()
command -v docker-registry >/dev/null || missing+=(docker-registry)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
fi
folder=${XDG_CACHE_HOME:-$HOME/.cache}/gaussian-processes/aws
mkdir -p "$(dirname "$folder")"
python_environment requirements/aws.txt "$folder"
echo "AWS's clients are ready in $folder."
