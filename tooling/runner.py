"""Running the blocks of one page: namespaces, working directory, output, limits, measurements."""

import contextlib
import io
import json
import re
import sys
import time
import tomllib
import traceback
import types
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tooling import folders, hub, outputs
from tooling.figures import FigureError, Figures
from tooling.kinds import Block
from tooling.memory import peak_memory, reset_peak_memory
from tooling.modules import base_module
from tooling.project import Project
from tooling.shell import answers, commands, run_shell
from tooling.watchdog import Watchdog

SECONDS = 120  # the time limit of a block that asks for no other
GRACE = 15  # a block stuck outside Python gets this much longer, then its process ends


@dataclass
class Result:
    """What became of one block; goes into the evidence as it is."""

    status: str = "not run"
    seconds: float | None = None
    peak_rss_mb: int | None = None
    peak_vram_mb: int | None = None
    output: str | None = None
    printed: str = ""
    figures: list[str] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)  # repositories of the hub that it opened


class BlockFailure(Exception):
    """A block did not do what its page says; the message is the whole report."""


class PageRun:
    """Runs the blocks of one page in order, in this process and in one temporary directory."""

    def __init__(
        self, path: Path, blocks: list[Block], project: Project, watchdog: Watchdog, update: bool = False
    ) -> None:
        self.path, self.blocks, self.project = path, blocks, project
        self.update, self.watchdog = update, watchdog
        self.modules: dict[str, types.ModuleType] = {}
        self.results = {block.index: Result() for block in blocks}

    @cached_property
    def figures(self) -> Figures:
        """Of this page; its folder is taken when the first block runs, not for all pages at once."""
        self._folder = folders.take()
        return Figures(self.path, Path(self._folder.name))

    def close(self) -> None:
        """Frees what the blocks made; an update that went well as a whole is written now."""
        try:
            if self.update and all(result.status in ("passed", "exempt") for result in self.results.values()):
                outputs_of = [b for b in self.blocks if b.kind == "output"]
                shown = {b.index: (b, self.results[b.index].printed) for b in outputs_of}
                outputs.rewrite(self.path, shown)
                self.figures.commit()
        finally:
            self.modules.clear()
            if "figures" in vars(self):
                folders.give_back(self._folder)

    def run(self, block: Block) -> None:
        """Runs one block and records what it took.

        Raises:
            BlockFailure: with the report, if the block fails.
        """
        result = self.results[block.index]
        result.status = "failed"
        limit = int(block.data.get("timeout", SECONDS))
        reset_peak_memory()
        hub.opened()
        self.watchdog.watch(limit + GRACE)
        start = time.perf_counter()
        try:
            with contextlib.chdir(self.figures.directory):
                getattr(self, f"_{block.kind}")(block, result)
        finally:
            result.seconds = round(time.perf_counter() - start, 3)
            result.peak_rss_mb, result.peak_vram_mb = peak_memory()
            result.weights = hub.opened()
        result.status = "exempt" if block.kind == "exempt" else "passed"

    def _run(self, block: Block, result: Result) -> None:
        self._need_earlier(block)
        error = self._execute(block, result)
        if error is not None:
            raise BlockFailure(f"{type(error).__name__}: {error}\n{trace(error, self.project)}")
        following = self.blocks[block.index : block.index + 1]
        if self.path.suffix == ".py":  # a lab: the build shows what it prints, the ledger compares the two
            result.output = f"tolerance {block.data['tolerance']}" if "tolerance" in block.data else "exact"
        elif result.printed.strip() and not (following and following[0].kind == "output"):
            raise BlockFailure(
                'the block prints, the page does not show it: put a ```text title="输出"``` fence below it\n'
                + result.printed
            )
        try:
            result.figures = self.figures.collect(compare=not self.update)
        except FigureError as error:
            raise BlockFailure(str(error)) from None

    def _raises(self, block: Block, result: Result) -> None:
        self._need_earlier(block)
        wanted, pattern = block.data["raises"].split(": ", 1)
        error = self._execute(block, result)
        if error is None:
            raise BlockFailure(f"the block raised nothing; the page promises {block.data['raises']}")
        if type(error).__name__ != wanted or not re.search(pattern, str(error)):
            raise BlockFailure(
                f"the block raised {type(error).__name__}: {error}\n"
                f"the page promises {block.data['raises']}\n{trace(error, self.project)}"
            )
        following = [b for b in self.blocks if b.index == block.index + 1 and b.kind == "output"]
        if not following:
            raise BlockFailure(
                'the page does not show the error: put a ```text title="报错"``` fence below it'
            )
        result.printed = f"{type(error).__name__}: {error}".splitlines()[0]

    def _execute(self, block: Block, result: Result) -> BaseException | None:
        """Executes the published text as lines of the snippet; gives back what it raised."""
        assert block.region is not None
        module = self._module(block)
        source = f"{self.project.root}/{block.region.path}"
        captured, main = io.StringIO(), sys.modules["__main__"]
        # Blank lines in front make line numbers those of the snippet file, for coverage and tracebacks.
        text = "\n" * (block.region.start - 1) + block.text + "\n"
        sys.modules["__main__"] = module
        try:
            with contextlib.redirect_stdout(captured):
                exec(compile(text, source, "exec", dont_inherit=True), module.__dict__)
        except (Exception, SystemExit) as error:
            return error
        finally:
            sys.modules["__main__"] = main
            result.printed = captured.getvalue()
        return None

    def _module(self, block: Block) -> types.ModuleType:
        """The namespace of the block's module; for pitfalls a copy of it as it stands here."""
        assert block.region is not None
        path = base_module(block.region)
        if path not in self.modules:
            self.modules[path] = types.ModuleType("__main__")
            self.modules[path].__file__ = str(self.project.root / path)
        module = self.modules[path]
        if block.region.path == path:
            return module
        copy = types.ModuleType("__main__")
        copy.__dict__.update(module.__dict__)
        return copy

    def _need_earlier(self, block: Block) -> None:
        assert block.region is not None
        path = base_module(block.region)
        for earlier in self.blocks[: block.index - 1]:
            if earlier.kind != "run" or earlier.region is None or earlier.region.path != path:
                continue
            if self.results[earlier.index].status != "passed":
                self.results[block.index].status = "not run"
                raise BlockFailure(
                    f"not run: the block at line {earlier.line}, which it needs, did not pass in this process"
                )

    def _script(self, block: Block, result: Result) -> None:
        """Puts the module where the commands below find it; it is those that run it.

        A link, so that tracebacks and coverage of the command name the snippet itself.
        """
        assert block.region is not None
        source, link = self.project.root / block.region.path, self.figures.directory / block.data["script"]
        if not link.exists():
            link.symlink_to(source)
        try:
            compile(block.text, str(source), "exec")
        except SyntaxError as error:
            raise BlockFailure(f"SyntaxError: {error}") from None

    def _output(self, block: Block, result: Result) -> None:
        source = self.results[block.index - 1]
        if source.status != "passed":
            raise BlockFailure("not compared: the block above it did not pass")
        tolerance = block.data.get("tolerance", "")
        different = outputs.difference(block.text, source.printed, tolerance)
        result.printed = source.printed if different else block.text
        result.output = f"tolerance {tolerance}" if tolerance else "exact"
        if different and not self.update:
            raise BlockFailure(
                f"{different}\nif the run is right: make update PAGE={self.project.relative(self.path)}"
            )

    def _shell(self, block: Block, result: Result) -> None:
        console = block.language == "console"
        result.printed, code, errors = run_shell(commands(block.text) if console else block.text)
        if code:
            raise BlockFailure(f"exit status {code}\n{result.printed}{errors}")
        if console:
            wanted, tolerance = answers(block.text), block.data.get("tolerance", "")
            if different := outputs.difference(wanted, result.printed, tolerance):
                raise BlockFailure(different)

    def _shown(self, block: Block, result: Result) -> None:
        parsers: dict[str, Any] = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.compose}
        try:
            parsers.get(block.language, str)(block.text)
        except (ValueError, yaml.YAMLError) as error:
            raise BlockFailure(f"not valid {block.language}: {error}") from None

    def _exempt(self, block: Block, result: Result) -> None:
        if date.today() > (until := date.fromisoformat(block.data["until"])):
            raise BlockFailure(f"the exemption ended on {until}: {block.data['exempt']}")

    def report(self, block: Block, problem: str) -> str:
        """A failure as its author needs it: page line, snippet line, the block, what happened."""
        place = f"{self.project.relative(self.path)}:{block.line}: block {block.index} ({block.kind})"
        first = 1
        if block.region is not None:
            first = block.region.start
            place += f", {block.region.path}:{first}-{block.region.end} [{block.region.name}]"
        text = "\n".join(f"{n:5} | {line}" for n, line in enumerate(block.text.splitlines(), first))
        return f"{place}\n{text}\n{problem}"


def trace(error: BaseException, project: Project) -> str:
    """The traceback from the first frame that lies in a snippet."""
    report = traceback.TracebackException.from_exception(error)
    while report.stack and not report.stack[0].filename.startswith(
        (str(project.snippets), str(project.docs))
    ):
        report.stack.pop(0)
    return "".join(report.format()).rstrip()
