"""scheduling: a block that ends its process fails alone, and no worker waits for ever."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from tooling.scheduling import PageScheduling

BLOCKS = ["a.md::1", "a.md::2", "a.md::3", "b.md::1", "c.md::1", "c.md::2"]


class Worker:
    """A worker as the scheduler sees it; it begins a block only when it knows what comes next."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = types.SimpleNamespace(id=name)
        self.given: list[str] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.given += [BLOCKS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True

    def run(self, scheduling: PageScheduling, until: str = "") -> list[str]:
        """Runs what it may, up to a block that ends it."""
        done = []
        while self.given and (len(self.given) > 1 or self.shutting_down):
            if self.given[0] == until:
                break
            done.append(self.given.pop(0))
            scheduling.mark_test_complete(self, BLOCKS.index(done[-1]))
        return done


@pytest.fixture
def start(pytestconfig: pytest.Config) -> Callable[..., tuple[PageScheduling, list[Worker]]]:
    def start(workers: int = 1) -> tuple[PageScheduling, list[Worker]]:
        options = types.SimpleNamespace(
            loadscopereorder=True, tx=[f"{workers}*popen"], maxprocesses=None, px=[]
        )
        config = types.SimpleNamespace(option=options, getvalue=lambda name: getattr(options, name))
        scheduling = PageScheduling(config, None)
        found = [Worker(f"gw{number}") for number in range(workers)]
        for worker in found:
            scheduling.add_node(worker)
        for worker in found:
            scheduling.add_node_collection(worker, BLOCKS)
        scheduling.schedule()
        return scheduling, found

    return start


def join(scheduling: PageScheduling) -> Worker:
    """A replacement for a lost worker, ready to run."""
    worker = Worker("new")
    scheduling.add_node(worker)
    scheduling.add_node_collection(worker, BLOCKS)
    scheduling.schedule()
    return worker


@pytest.mark.parametrize("lost", BLOCKS)
def test_whatever_block_ends_the_process_all_others_run_once(lost: str, start: Callable[..., Any]) -> None:
    scheduling, (worker,) = start()
    done = worker.run(scheduling, until=lost)
    assert scheduling.remove_node(worker) == lost
    replacement = join(scheduling)
    done += replacement.run(scheduling)
    assert sorted([*done, lost]) == BLOCKS
    assert replacement.shutting_down and scheduling.tests_finished


def test_every_block_ends_its_process(start: Callable[..., Any]) -> None:
    scheduling, (worker,) = start()
    lost = []
    for _ in BLOCKS:
        lost.append(scheduling.remove_node(worker))
        worker = join(scheduling)
    assert sorted(lost) == BLOCKS and worker.run(scheduling) == [] and worker.shutting_down


def test_two_workers_share_what_a_lost_one_left(start: Callable[..., Any]) -> None:
    scheduling, (one, two) = start(2)
    assert one.given[0] == "a.md::1"
    assert scheduling.remove_node(one) == "a.md::1"
    done = two.run(scheduling)
    done += join(scheduling).run(scheduling)
    done += two.run(scheduling)
    assert sorted([*done, "a.md::1"]) == BLOCKS


def test_a_worker_that_has_not_read_the_pages_yet_is_given_nothing(start: Callable[..., Any]) -> None:
    scheduling, (one, two) = start(2)
    scheduling.remove_node(one)
    early = Worker("early")
    scheduling.add_node(early)
    lost = scheduling.remove_node(two)  # a second worker is lost in the meantime
    assert early.given == [] and lost is not None
    scheduling.add_node_collection(early, BLOCKS)
    scheduling.schedule()
    done = early.run(scheduling)
    done += join(scheduling).run(scheduling)
    assert sorted([*done, "a.md::1", lost]) == BLOCKS


def test_a_worker_that_had_nothing_left_was_running_nothing(start: Callable[..., Any]) -> None:
    scheduling, (worker,) = start()
    assert sorted(worker.run(scheduling)) == BLOCKS
    assert scheduling.remove_node(worker) is None
