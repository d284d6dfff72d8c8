"""Ends the process of a block that is stuck outside Python, where neither a signal nor pytest reaches it."""

import faulthandler
import time
import weakref

SLACK = 5.0  # seconds that it may be early: to set it takes a thread, too much for each of many small blocks


class Watchdog:
    """A time limit on this process, moved on from block to block; none is left behind when it is gone."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._gone = weakref.finalize(self, faulthandler.cancel_dump_traceback_later)

    def watch(self, seconds: float) -> None:
        """From now on, and until the next call, the process may go on for so long, or up to `SLACK` less."""
        ends = time.monotonic() + seconds
        if not ends - SLACK <= self._ends <= ends:
            faulthandler.dump_traceback_later(seconds, exit=True, file=2)
            self._ends = ends

    def stop(self) -> None:
        """Lets the process go on for as long as it likes."""
        faulthandler.cancel_dump_traceback_later()
        self._ends = 0.0
