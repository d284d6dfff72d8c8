"""One command in a process of its own: how long it took, how much memory, how it ended."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timed:
    """What a command took; `mb` is the largest of its processes, in MiB."""

    seconds: float
    mb: int
    code: int
    output: str


def timed(command: list[str], folder: Path, **environment: str) -> Timed:
    """Runs a command to its end and measures it from outside."""
    # A contributor's Python keeps what it compiles; told not to, it would compile the tooling on each start.
    other = ("PYTEST_", "COV_", "MAKE", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(other)}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=kept | environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Timed(round(seconds, 2), usage.ru_maxrss // 1024, process.returncode, text)


def must(done: Timed, what: str) -> Timed:
    """The measurement of a command that went well.

    Raises:
        RuntimeError: it did not; a failed command's time says nothing.
    """
    if done.code:
        raise RuntimeError(f"{what}: exit status {done.code}\n{done.output[-3000:]}")
    return done
