#!/usr/bin/env bash
# Sees to a Docker engine and the Dockerfile's base image. An engine that answers is used as it is. Otherwise, as root
# on Debian or Ubuntu, one is installed from the distribution's packages and started; where no container registry can
# be reached, the base image is made from the distribution's package mirror under the official name.
set -euo pipefail
cd "$(dirname "$0")/../.."
state=${XDG_CACHE_HOME:-$HOME/.cache}/gaussian-processes/engine
suite=trixie
base=debian:$suite-slim

need() {
  local package missing=()
  for package in "$@"; do dpkg --status "$package" >/dev/null 2>&1 || missing+=("$package"); done
  if [ ${#missing[@]} -gt 0 ]; then
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

if ! docker info >/dev/null 2>&1; then
  can_install || { echo "No Docker engine answers, and only root on Debian or Ubuntu can install one here." >&2; exit 1; }
  need docker.io iptables
  mkdir -p "$state"
  nohup dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/dockerd.pid" --ip 127.0.0.1 \
    >"$state/dockerd.log" 2>&1 &
  for _ in $(seq 150); do
    if docker info >/dev/null 2>&1; then break; fi
    sleep 0.2
  done
  docker info >/dev/null 2>&1 || { echo "The Docker engine does not start:" >&2; tail -n 5 "$state/dockerd.log" >&2; exit 1; }
fi

if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 120 docker pull --quiet "$base" >/dev/null 2>&1; then
  can_install || { echo "The base image $base can be neither pulled nor made here." >&2; exit 1; }
  need mmdebstrap
  mkdir -p "$state"
  # This machine's own certificate authorities go along, for a build that reaches package indexes through a proxy.
  mmdebstrap --quiet --variant=minbase --format=tar --include=ca-certificates \
    --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='for crt in /usr/local/share/ca-certificates/*.crt; do test -e "$crt" || continue; cp "$crt" "$1/usr/local/share/ca-certificates/"; done; chroot "$1" update-ca-certificates >/dev/null 2>&1' \
    "$suite" "$state/base.tar" "$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p;s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)"
  docker import --change 'CMD ["bash"]' "$state/base.tar" "$base" >/dev/null
  rm "$state/base.tar"
fi
docker info --format 'Docker engine {{.ServerVersion}} is ready.'
