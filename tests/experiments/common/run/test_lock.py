import signal
import subprocess
import sys

import pytest

from experiments.common.run import lock
from experiments.common.run.errors import UserError
from tests.experiments import command, in_process

_HOLD = """
import sys, time
from experiments.common.run import lock
lock.acquire(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


def _holder(folder):
  process = subprocess.Popen(
    [sys.executable, "-c", _HOLD, str(folder)],
    cwd=command.ROOT,
    stdout=subprocess.PIPE,
    text=True,
  )
  assert process.stdout.readline() == "held\n"
  return process


def test_a_folder_belongs_to_one_process_until_that_ends(tmp_path):
  holder = _holder(tmp_path)
  try:
    for take in (lock.check, lock.acquire):
      with pytest.raises(UserError, match=f"in use by process {holder.pid} on "):
        take(tmp_path)
  finally:
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
  lock.check(tmp_path)
  lock.acquire(tmp_path)
  lock.acquire(tmp_path)  # a run that goes on in the same process
  lock.check(tmp_path)


def test_a_second_start_leaves_the_first_run_as_it_is(tmp_path):
  folder = tmp_path / "run"
  folder.mkdir()
  holder = _holder(folder)
  (folder / "kept.txt").write_text("kept")
  try:
    code, _, err = in_process.run(
      *("toy2d", "--flagfile=toy2d_quick.flags"),
      *(f"--output_dir={folder}", "--overwrite"),
    )
  finally:
    holder.kill()
    holder.communicate()
  assert code == 1 and f"in use by process {holder.pid}" in err
  assert len(err.strip().splitlines()) == 1
  assert (folder / "kept.txt").read_text() == "kept"
