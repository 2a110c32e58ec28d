#!/usr/bin/env bash
# Runs `train` in the image as SageMaker does, on one of the folders in test_dir.
set -euo pipefail
cd "$(dirname "$0")"
if [ $# -lt 1 ]; then echo "usage: train_local.sh IMAGE [EXAMPLE]" >&2; exit 2; fi
folder=$PWD/test_dir/${2:-example}
if [ ! -d "$folder/input" ]; then echo "There is no example '$2'; there are: $(cd test_dir && echo */)" >&2; exit 2; fi
# What an earlier run left there would be taken for this one's.
rm -rf "$folder/model" "$folder/output"
# As the user who owns the folder, so that the model is theirs; on SageMaker it is root.
exec docker run --rm --user "$(id -u):$(id -g)" -v "$folder:/opt/ml" "$1" train
