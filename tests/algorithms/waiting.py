"""An algorithm whose predictions take as long as a test wants: from when $WAITING/hold exists until $WAITING/go does.

So do those of several rows; a single one takes no time.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import nearest_neighbours


def predict(model, rows, query):
    folder = Path(os.environ["WAITING"])
    if len(rows) == 1:
        return nearest_neighbours.predict(model, rows, query)
    if (folder / "hold").exists():
        (folder / "started").touch()
    # As BLAS does: busy, without the interpreter's lock, and never yielding to gevent.
    while (folder / "hold").exists() and not (folder / "go").exists():
        hashlib.sha256(bytes(2**22))
    return nearest_neighbours.predict(model, rows, query)


algorithm = replace(nearest_neighbours.algorithm, predict=predict)
