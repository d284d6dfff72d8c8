"""Pages over worker processes: xdist's own scheduler, mended for a block that ends its process."""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class PageScheduling(LoadFileScheduling):
    """All blocks of a page on one worker, also after a crash.

    xdist gives the crashed item to the next worker again, which would end that one too, and a
    worker that replaces another waits for ever if its first page is a single block (pytest-xdist
    issues 1323 and 1327, pull request 1371).
    """

    def remove_node(self, node: WorkerController) -> str | None:
        """Takes the units of a worker back; gives the item that it died of, None if it was done."""
        units = self.assigned_work.pop(node)
        pending = [(unit, item) for unit in units.values() for item, done in unit.items() if not done]
        if not pending:
            return None
        unit, crashed = pending[0]
        unit[crashed] = True
        self.workqueue.update({page: unit for page, unit in units.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed

    def schedule(self) -> None:
        """Gives out the pages; a worker begins a block only once it knows what comes next."""
        replacing = self.collection is not None
        super().schedule()
        for node in self.nodes if replacing else ():
            self._reschedule(node)  # a second page, or word that there is none

    def _reschedule(self, node: WorkerController) -> None:
        if node in self.registered_collections:  # a worker that has just started gets its share later
            super()._reschedule(node)
