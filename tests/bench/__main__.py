"""Measures, writes what it measured and the figures of the page, and says which limits hold."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import matplotlib.pyplot as plt

from tests.bench import builds, canaries, harness, loops, suite
from tests.bench.corpus import ROOT
from tooling import evidence, performance
from tooling.outputs import replace_file
from tooling.project import Project

PARTS: dict[str, Callable[[], Any]] = {
    "harness": harness.measure,
    "canaries": canaries.measure,
    "builds": builds.measure,
    "page": loops.measure_page,
    "stale": loops.measure_stale,
    "serve": loops.measure_serve,
    "suite": suite.measure,
    "shards": suite.measure_shards,
}

# Of the figure of the builds.
LINES = {"without_hooks": "build", "with_hooks": "build, hooks", "ledger": "ledger", "pack": "archive"}


def draw(parts: dict[str, Any]) -> None:
    """The two figures of the page, beside it."""
    folder = Project(ROOT).docs / "contributing"
    plt.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "path"})
    if "harness" in parts:
        figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
        for name, cost in parts["harness"]["marginal"].items():
            axis.plot([int(size) for size in cost], list(cost.values()), marker="o", label=_latin(name))
        axis.set(xscale="log", yscale="log", xlabel="blocks", ylabel="ms per block")
        axis.legend(fontsize=8)
        figure.savefig(folder / "performance-blocks.svg", metadata={"Date": None})
    if "builds" in parts:
        figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
        pages = [int(size) for size in parts["builds"]]
        for what, label in LINES.items():
            seconds = [built[what]["seconds"] for built in parts["builds"].values()]
            axis.plot(pages, seconds, marker="o", label=label)
        axis.set(xscale="log", yscale="log", xlabel="pages", ylabel="seconds")
        axis.legend(fontsize=8)
        figure.savefig(folder / "performance-builds.svg", metadata={"Date": None})


def _latin(name: str) -> str:
    return name if name.isascii() else "this project" + (", first run" if name == harness.FIRST else "")


def main() -> int:
    """The command line; gives 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is named")
    project = Project(ROOT)
    record = performance.load(project)
    commit = evidence.commit(ROOT)  # before the record is written: that alone makes the tree another one
    for name in parser.parse_args().parts or PARTS:
        print(f"{name} …", flush=True)
        record[name] = {
            "date": date.today().isoformat(),
            "commit": commit,
            "machine": evidence.device_name("cpu") or "",
            "cores": loops.CORES,
            "result": PARTS[name](),
        }
        ordered = {part: record[part] for part in PARTS if part in record}
        replace_file(
            project.docs / performance.FILE, json.dumps(ordered, ensure_ascii=False, indent=1) + "\n"
        )
    parts = {name: part["result"] for name, part in record.items()}
    draw(parts)
    passed = True
    for limit in performance.LIMITS:
        value, holds = performance.kept(limit, parts)
        passed &= holds is not False
        shown = "not measured" if value is None else f"{value:.2f}"
        print(f"{limit.text}: {shown}, at most {limit.most:g}{'' if holds is not False else ', PASSED OVER'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
