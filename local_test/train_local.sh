#!/usr/bin/env bash
# Runs `train` in the image as SageMaker does, on one of the folders in test_dir.
set -euo pipefail
cd "$(dirname "$0")"
if [ $# -lt 1 ]; then echo "usage: train_local.sh IMAGE [EXAMPLE]" >&2; exit 2; fi
# As the user who owns the folder, so that the model is theirs; on SageMaker it is root.
exec docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/test_dir/${2:-example}:/opt/ml" "$1" train
