"""A pretended training job: prints an objective once for each step, as its hyperparameters say; for tests of the search.

usage: pretended.py    with SAGEMAKER_BASE_DIR
"""

import json
import os
import sys
import time
from pathlib import Path

root = Path(os.environ["SAGEMAKER_BASE_DIR"])
wanted = json.loads((root / "input/config/hyperparameters.json").read_text())
x, steps, pause = float(wanted.get("x", 0)), int(wanted.get("steps", 1)), float(wanted.get("pause", 0))
if wanted.get("fail") == "yes":
    (root / "output/failure").write_text("x is not to its taste\nmore of that")
    sys.exit(2)
for step in range(1, steps + 1):
    # Towards (x - 0.3)^2, from above.
    value = (x - 0.3) ** 2 + 1 / step - 1 / steps
    print(f"epoch {step}: validation:RMSE={value:{wanted.get('format', '')}};", flush=True)
    time.sleep(pause)
(root / "model/model.pkl").write_text(str(x))
