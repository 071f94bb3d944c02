"""The most memory a process has held."""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
MARKS = Path("/proc/self/clear_refs")
KIB = 1024
"""Bytes of the unit in which Linux tells memory."""


def peak_gb() -> float:
    """Return this process's own peak in GB, of a thousand million bytes.

    On Linux `ru_maxrss` starts with what the process that started this one held at that moment,
    so the kernel's own mark is read there.
    """
    if STATUS.exists():
        return int(STATUS.read_text().split("VmHWM:")[1].split()[0]) * KIB / 1e9
    unit = 1 if sys.platform == "darwin" else KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def forget_peak() -> None:
    """Let `peak_gb` begin anew, where the kernel can; elsewhere it goes on."""
    if MARKS.exists():
        MARKS.write_text("5")
