"""The most memory a process has held."""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
MARKS = Path("/proc/self/clear_refs")


def peak_gb() -> float:
    """Return this process's own peak in GB.

    On Linux `ru_maxrss` starts with what the process that started this one held at that moment,
    so the kernel's own mark is read there.
    """
    if STATUS.exists():
        return int(STATUS.read_text().split("VmHWM:")[1].split()[0]) / 1e6
    unit = 1e9 if sys.platform == "darwin" else 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak() -> None:
    """Let `peak_gb` begin anew, where the kernel can; elsewhere it goes on."""
    if MARKS.exists():
        MARKS.write_text("5")
