"""Label: names and values as they fit into a figure."""

from gaussian_processes.report.figure import breadth
from gaussian_processes.report.plot import shortened


def fitted(text: str, room: float) -> str:
    """Without its middle where it is broader than `room`: values in a list often differ at their end."""
    shown = shortened(text, max(len(text), 1))
    if breadth(shown) <= room:
        return shown
    for kept in range(min(len(shown) - 1, int(room / 3.0)), 2, -1):
        cut = f"{shown[: kept - kept // 3]}…{shown[-(kept // 3) :]}"
        if breadth(cut) <= room:
            return cut
    return f"{shown[:1]}…"
