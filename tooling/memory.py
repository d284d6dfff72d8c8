"""Peak memory of this process, block by block."""

import contextlib
import functools
import os
import resource
import sys


@functools.cache  # opened once, not for each block: most blocks do little
def _proc(name: str, flags: int) -> int:
    return os.open(f"/proc/{os.getpid()}/{name}", flags | os.O_CLOEXEC)


def reset_peak_memory() -> None:
    """Starts the peaks of this process anew, where the system allows it (Linux, CUDA)."""
    with contextlib.suppress(OSError):
        os.write(_proc("clear_refs", os.O_WRONLY), b"5")
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> tuple[int, int | None]:
    """Peak resident memory and, on CUDA, peak video memory since the last reset, in MB.

    The first is what [resource.getrusage][] counts, or Linux's own figure, which can be reset.
    """
    try:
        status = os.pread(_proc("status", os.O_RDONLY), 4096, 0)
        rss = int(status.split(b"VmHWM:", 1)[1].split(maxsplit=1)[0]) // 1024
    except (OSError, IndexError):
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    vram = None
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        vram = torch.cuda.max_memory_allocated() // 2**20
    return rss, vram
