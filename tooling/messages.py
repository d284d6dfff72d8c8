"""The catalogue of the errors that a contributor meets, read from the code that raises them."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = "make pages"  # what PageError names unless told otherwise


@dataclass(frozen=True)
class Message:
    """One error: the file and the line that raise it, and its three parts, `…` for what varies."""

    file: str
    line: int
    found: str
    expected: str
    command: str


def catalogue(folder: Path = HERE) -> list[Message]:
    """The errors of all modules, by file and line.

    Two forms are read: `PageError(path, line, found, expected[, command])`, and in a module that
    raises `PageError(path, line, *problem)` each `return found, expected`.
    """
    return [message for path in sorted(folder.glob("*.py")) for message in _of(path)]


def _of(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    calls = [call for call in raised if isinstance(call, ast.Call) and ast.unparse(call.func) == "PageError"]
    parts = [(call.lineno, call.args[2:]) for call in calls if not isinstance(call.args[-1], ast.Starred)]
    if len(parts) < len(calls):
        returned = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
        parts += [(n.lineno, n.value.elts) for n in returned if isinstance(n.value, ast.Tuple)]
    known = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    for line, texts in sorted(parts, key=lambda part: part[0]):
        found, expected, command = [*(_text(text, known) for text in texts), COMMAND][:3]
        yield Message(path.name, line, found, expected, command)


def _text(node: ast.expr, known: dict[str, object]) -> str:
    """The text of a string, `…` in place of what only the raising code knows."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value, known) for value in values)
        case ast.FormattedValue(value=value):
            return _text(value, known)
        case ast.BinOp(left=left, right=right):
            return _text(left, known) + _text(right, known)
        case ast.Name(id=name) if name in known:
            return str(known[name])
    return "…"


def table() -> str:
    """The catalogue as an HTML table."""
    rows = "".join(
        f"<tr><td>{escape(m.found)}</td><td>{escape(m.expected)}</td>"
        f"<td><code>{escape(m.command)}</code></td><td><code>{m.file}</code></td></tr>"
        for m in catalogue()
    )
    head = "".join(f"<th>{name}</th>" for name in ("看到了什么", "应当是什么", "接下来运行", "由谁报告"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def unraised(data: Path) -> list[Message]:
    """The messages whose line was not reached by the run whose coverage is in the file `data`."""
    from coverage import CoverageData  # of the tests; the site is built without it

    reached = CoverageData(str(data))
    reached.read()
    lines = {
        Path(file).name: set(reached.lines(file) or ())
        for file in reached.measured_files()
        if Path(file).parent == HERE
    }
    return [m for m in catalogue() if m.line not in lines.get(m.file, set())]


def main() -> int:
    """Says which messages no test has raised; the argument is the coverage file of the tests."""
    missing = unraised(Path(sys.argv[1]))
    for message in missing:
        print(f"tooling/{message.file}:{message.line}: no test raises: {message.found}", file=sys.stderr)
    print(f"messages: {len(catalogue()) - len(missing)} of {len(catalogue())} raised by a test")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
