#!/usr/bin/env bash
# Runs `serve` in the image as SageMaker does, on the model that train_local.sh left; on port PORT (8080) of this machine.
set -euo pipefail
cd "$(dirname "$0")"
if [ $# -lt 1 ]; then echo "usage: [PORT=8080] serve_local.sh IMAGE [EXAMPLE]" >&2; exit 2; fi
model=$PWD/test_dir/${2:-example}/model
if [ ! -f "$model/model.pkl" ]; then echo "There is no model in $model: run train_local.sh $1 ${2:-example} first." >&2; exit 2; fi
exec docker run --rm -p "127.0.0.1:${PORT:-8080}:8080" -v "$model:/opt/ml/model:ro" "$1" serve
