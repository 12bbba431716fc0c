"""Entry points run as a user runs them, each in a process of its own."""

import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]


def start(module, *arguments, environment=None):
  """Starts `python -m module arguments` in the checkout."""
  return subprocess.Popen(
    [sys.executable, "-m", module, *map(str, arguments)],
    cwd=ROOT,
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def run(module, *arguments):
  """Runs it to its end; returns `(exit code, stdout, stderr)`."""
  process = start(module, *arguments)
  out, err = process.communicate(timeout=500)
  return process.returncode, out, err


def wait_for(path, process):
  """Waits until a file exists or the process has ended."""
  deadline = time.monotonic() + 200
  while not path.exists() and process.poll() is None:
    assert time.monotonic() < deadline, f"{path} did not appear"
    time.sleep(0.02)


def entries(folder):
  """What a run logged."""
  return [json.loads(line) for line in (folder / "metrics.jsonl").open()]
