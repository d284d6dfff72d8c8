"""errors: one message says where, what, how to mend it and what to run then."""

from tooling.errors import PageError


def test_the_message_is_complete() -> None:
    error = PageError("docs/a.md", 7, "a wrong thing", "a right one", "make site")
    assert str(error) == "docs/a.md:7: a wrong thing\n  expected: a right one\n  then run: make site"
    assert (error.path, error.line, error.command) == ("docs/a.md", 7, "make site")
