"""Running a shell block: in the working directory, without a network, ended as a whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

PROMPTS = ("$ ", "> ")
# So that libraries do what they are asked for and say nothing else.
QUIET = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "2", "DS_ACCELERATOR": "cpu"}


def commands(console: str) -> str:
    """What a reader types of a console listing.

    Examples:
        >>> commands("$ echo a\\na\\n$ echo b\\nb")
        'echo a\\necho b'
    """
    return "\n".join(line[2:] for line in console.splitlines() if line.startswith(PROMPTS))


def answers(console: str) -> str:
    """What a console listing shows of its commands' output.

    Examples:
        >>> answers("$ echo a\\na")
        'a'
    """
    return "\n".join(line for line in console.splitlines() if not line.startswith(PROMPTS))


def run_shell(script: str) -> tuple[str, int, str]:
    """Runs a bash script in the working directory without a network.

    Returns:
        its standard output, its exit status, its standard error.
    """
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        env=offline_environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate()
    except BaseException:  # the time limit: whatever the script started ends with it
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return printed, process.returncode, errors


def offline_environment() -> dict[str, str]:
    """The environment of a shell block: this interpreter first, every proxy a dead end."""
    dead_end = "http://127.0.0.1:9"  # the discard port: refused at once
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "http_proxy": dead_end,
        "https_proxy": dead_end,
        "HTTP_PROXY": dead_end,
        "HTTPS_PROXY": dead_end,
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
        "PIP_NO_INDEX": "1",
    }
