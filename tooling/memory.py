"""Peak memory of this process, block by block."""

import contextlib
import resource
import sys
from pathlib import Path


def reset_peak_memory() -> None:
    """Starts the peaks of this process anew, where the system allows it (Linux, CUDA)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> tuple[int, int | None]:
    """Peak resident memory and, on CUDA, peak video memory since the last reset, in MB.

    The first is what [resource.getrusage][] counts, or Linux's own figure, which can be reset.
    """
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text().splitlines()
        rss = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024
    vram = None
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        vram = torch.cuda.max_memory_allocated() // 2**20
    return rss, vram
