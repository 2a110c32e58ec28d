"""A pretended training job: prints an objective once for each step, as its hyperparameters say; for tests of the search.

usage: pretended.py    with SAGEMAKER_BASE_DIR
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

root = Path(os.environ["SAGEMAKER_BASE_DIR"])
wanted = json.loads((root / "input/config/hyperparameters.json").read_text())
x, steps, pause = float(wanted.get("x", 0)), int(wanted.get("steps", 1)), float(wanted.get("pause", 0))
if wanted.get("fail") == "yes":
    (root / "output/failure").write_text("x is not to its taste\nmore of that")
    sys.exit(2)
match wanted.get("trouble"):
    case "failure is a folder":
        (root / "output/failure").mkdir()
        print("the last words", flush=True)
        sys.exit(2)
    case "failure is a pipe":
        os.mkfifo(root / "output/failure")
        sys.exit(2)
    case "failure is no text":
        (root / "output/failure").write_bytes(b"\n\xff\xfe caf\xe9\nmore")
        sys.exit(2)
    case "failure is long":
        (root / "output/failure").write_text("x" * 50_000_000)
        sys.exit(2)
    case "log is gone":
        (root / "log.txt").unlink()
        sys.exit(7)
    case "log is no text":
        os.write(1, b"\xff\xfe\x00\nvalidation:RMSE=0.25;\xff\n")
    case "a long line":
        os.write(1, b"=" * 50_000_000 + b"validation:RMSE=99;\nvalidation:RMSE=0.25;")
    case "carriage returns":
        os.write(1, b"".join(b"\r%d %%" % (n % 100) for n in range(400_000)) + b"\rvalidation:RMSE=0.25;\n")
    case "an end without a newline":
        os.write(1, b"validation:RMSE=0.25;")
        (root / "model/model.pkl").touch()
        sys.exit(0)
    case "no number":
        print("validation:RMSE=nan;\nvalidation:RMSE=inf;")
    case "a line that takes years":
        print("a" * 60, flush=True)
        time.sleep(60)
    case "someone who stays":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    case "someone who prints for ever":
        subprocess.Popen(["sh", "-c", "while :; do echo '; validation:RMSE=99'; sleep 0.01; done"])
    case "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("validation:RMSE=1;", flush=True)
        time.sleep(1000)
    case "without a model":
        print("validation:RMSE=-9;")
        (root / "model/empty").mkdir()
        sys.exit(0)
for step in range(1, steps + 1):
    # Towards (x - 0.3)^2, from above.
    value = (x - 0.3) ** 2 + 1 / step - 1 / steps
    print(f"epoch {step}: validation:RMSE={value:{wanted.get('format', '')}};", flush=True)
    time.sleep(pause)
(root / "model/model.pkl").write_text(str(x))
