#!/usr/bin/env bash
# Runs the tuning job in tuning_job.json on this machine: in child processes, or in the image if one is named.
set -euo pipefail
cd "$(dirname "$0")/.."
source local_test/environment.sh
if [ $# -gt 0 ] && ! docker image inspect "$1" >/dev/null; then
  echo "Build the image first: docker build --tag $1 ." >&2
  exit 2
fi
python_environment requirements/image.txt .venv
exec .venv/bin/python -m gaussian_processes.tuning local_test/tuning_job.json \
  --data local_test/test_dir/example/input/data --results "local_test/results/$(date +%Y%m%d-%H%M%S)" \
  ${1:+--image "$1"}
