"""An algorithm whose predictions take as long as a test wants: until the file $WAITING/go exists."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import nearest_neighbours


def predict(model, rows, query):
    folder = Path(os.environ["WAITING"])
    (folder / "started").touch()
    # As BLAS does: busy, without the interpreter's lock, and never yielding to gevent.
    while not (folder / "go").exists():
        hashlib.sha256(bytes(2**22))
    return nearest_neighbours.predict(model, rows, query)


algorithm = replace(nearest_neighbours.algorithm, predict=predict)
