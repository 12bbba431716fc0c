import functools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import h5py
import keras
import pytest
from PIL import Image

from tests.experiments import command

_TINY = [
  *(*command.TINY_SR, "--pretrain_epochs=6", "--epochs=6"),
  *("--backup_every=1", "--validate_every=1"),
]
_KILLS = 20
_start = functools.partial(command.start, "experiments.sr")
_succeed = functools.partial(command.succeed, "experiments.sr")


def _in_namespace(script):
  """Runs a shell script that may mount file systems, which nobody else sees."""
  namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
  try:
    subprocess.run([*namespace, "mount -t tmpfs none /mnt"], check=True)
  except (OSError, subprocess.CalledProcessError):
    pytest.skip("this system allows no mounts in a user namespace")
  return subprocess.run(
    [*namespace, script], cwd=command.ROOT, capture_output=True, text=True, check=False
  )


def _check_intact(folder):
  """Reads every file that is not marked as partial."""
  for path in folder.rglob("*"):
    if path.is_dir() or path.name.startswith(".partial."):
      continue
    if path.suffix == ".png":
      Image.open(path).load()
    elif path.suffix == ".json":
      json.loads(path.read_text())
    elif path.suffix == ".keras":
      keras.models.load_model(path, compile=False)
    elif path.suffix == ".h5":
      with h5py.File(path) as file:
        assert int(file.attrs["step"]) > 0


# Before the first backup, and after it.
@pytest.mark.parametrize("size", [pytest.param("48k", marks=pytest.mark.slow), "250k"])
def test_full_disk_ends_with_one_line_and_no_broken_file(tmp_path, size):
  arguments = " ".join([*_TINY, f"--output_dir={tmp_path}/disk/run"])
  (tmp_path / "disk").mkdir()
  result = _in_namespace(f"""
    mount -t tmpfs -o size={size} none {tmp_path}/disk
    {sys.executable} -m experiments.sr {arguments}
    code=$?
    cp -r {tmp_path}/disk/run {tmp_path}/copy
    exit $code
  """)
  assert result.returncode == 1, result.stderr
  (line,) = result.stderr.strip().splitlines()
  assert "No space left on device" in line and str(tmp_path / "disk/run") in line
  assert not list((tmp_path / "copy").rglob(".partial.*"))
  _check_intact(tmp_path / "copy")


def test_read_only_folder_is_refused_in_one_line(tmp_path):
  arguments = " ".join([*_TINY, f"--output_dir={tmp_path}/disk/run"])
  (tmp_path / "disk").mkdir()
  result = _in_namespace(f"""
    mount -t tmpfs -o ro none {tmp_path}/disk
    {sys.executable} -m experiments.sr {arguments}
  """)
  assert result.returncode == 1
  (line,) = result.stderr.strip().splitlines()
  assert "Read-only file system" in line and str(tmp_path / "disk/run") in line


@pytest.mark.slow
def test_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path):
  whole, killed = tmp_path / "whole", tmp_path / "killed"
  _succeed(*_TINY, f"--output_dir={whole}")
  moments = random.Random(0)
  kills = 0
  while kills < _KILLS:
    process = _start(*_TINY, f"--output_dir={killed}")
    # From when it does something: starting up takes most of the time.
    seen = _newest(killed)
    while process.poll() is None and _newest(killed) == seen:
      time.sleep(0.005)
    time.sleep(moments.uniform(0, 1.5))
    if process.poll() is not None:
      break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kills += 1
    _check_intact(killed)
  _succeed(*_TINY, f"--output_dir={killed}")
  print(f"survived {kills} kills")
  assert kills == _KILLS, f"it was finished after {kills} kills: lengthen the run"
  assert command.steps(killed) == command.steps(whole)
  command.assert_same_weights(*(run / "generator.keras" for run in (whole, killed)))
  assert not list(killed.rglob(".partial.*"))
  assert {path.name for path in killed.rglob("*.png")} == {
    path.name for path in whole.rglob("*.png")
  }


def _newest(folder):
  files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
  return max((path.stat().st_mtime_ns for path in files), default=0)
