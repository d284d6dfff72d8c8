"""watchdog: a process stuck outside Python ends; one that is not, goes on."""

import subprocess
import sys
import time

import pytest

from tooling import watchdog

# Holds the interpreter's lock: no handler of a signal runs.
STUCK = """
import ctypes
from tooling.watchdog import Watchdog
guard = Watchdog()
{}
ctypes.PyDLL(None).usleep({})
print("went on")
"""


def call(lines: str, microseconds: int) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(lines, microseconds)], capture_output=True, text=True, timeout=60
    )
    return done.stdout, done.stderr


def test_a_stuck_process_ends_and_says_where() -> None:
    start = time.perf_counter()
    output, error = call("guard.watch(0.5)", 30_000_000)
    assert output == "" and "Timeout" in error and "most recent call first" in error
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("lines", ["guard.watch(0.2)\nguard.stop()", "guard.watch(0.2)\ndel guard"])
def test_it_is_gone_when_it_is_stopped_or_forgotten(lines: str) -> None:
    assert call(lines, 600_000) == ("went on\n", "")


def test_it_is_set_anew_only_when_it_would_come_much_too_early_or_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, limits = [100.0], []
    monkeypatch.setattr("tooling.watchdog.time.monotonic", lambda: clock[0])
    later = "tooling.watchdog.faulthandler.dump_traceback_later"
    monkeypatch.setattr(later, lambda seconds, **_: limits.append(seconds))
    guard = watchdog.Watchdog()
    for now, seconds in [(100, 135), (104, 135), (104, 315), (105, 135), (109, 135), (111, 135)]:
        clock[0] = now
        guard.watch(seconds)
    assert limits == [135, 315, 135, 135]
