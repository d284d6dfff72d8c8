"""shell: a bash block, without a network, ended as a whole."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tooling.shell import offline_environment, run_shell


def test_output_status_and_errors() -> None:
    assert run_shell("echo out; echo err >&2; exit 3") == ("out\n", 3, "err\n")


@pytest.mark.parametrize("script", ["false; true", "false | true", 'echo "$not_set"; true'])
def test_the_first_failure_ends_the_script(script: str) -> None:
    printed, code, _ = run_shell(script)
    assert printed == "" and code != 0


def test_nothing_can_be_typed_in() -> None:
    assert run_shell("read line || echo none") == ("none\n", 0, "")


def test_this_interpreter_comes_first_and_every_proxy_is_a_dead_end() -> None:
    _, code, errors = run_shell(
        'python - <<"END"\nimport urllib.request\nurllib.request.urlopen("http://192.0.2.1", timeout=5)\nEND'
    )
    assert code == 1 and "Connection refused" in errors
    assert run_shell('python -c "import tooling; print(tooling.__name__)"')[0] == "tooling\n"
    assert offline_environment()["PIP_NO_INDEX"] == "1"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().split()[2] == "Z")  # Z: waiting to be reaped


def test_what_the_script_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"

    def interrupted(process: subprocess.Popen[str]) -> None:
        while not pid.exists() or not pid.read_text().strip():
            time.sleep(0.01)
        raise TimeoutError

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(TimeoutError):
        run_shell(f"sleep 1000 & echo $! > {pid}; wait")
    for _ in range(500):
        if not alive(int(pid.read_text())):
            return
        time.sleep(0.01)
    pytest.fail("the script's child outlived it")
