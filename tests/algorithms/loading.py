"""An algorithm whose models take as long to load as a test wants: until the file $LOADING/go exists; it says how that ends.

Those of one neighbour do not.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import nearest_neighbours


def from_state(stored):
    go = Path(os.environ["LOADING"]) / "go"
    while stored["k"] != 1 and not go.exists():
        time.sleep(0.01)
    if stored["k"] != 1 and go.read_text() == "fail":
        raise RuntimeError("a secret of the program")
    return nearest_neighbours.from_state(stored)


algorithm = replace(nearest_neighbours.algorithm, from_state=from_state)
