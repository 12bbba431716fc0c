import os
import pathlib
import subprocess
import sys

import pytest
from absl import flags

from experiments.common.run import lock, run_folder
from tests.experiments import command

_EMPTY = flags.FlagValues()
_TINY = ["--draws=40", "--samples=300", "--curve_draws=2"]


@pytest.mark.parametrize(
  "name", ["absl", pytest.param("tensorflow", marks=pytest.mark.slow)]
)
def test_other_flags_are_refused_wherever_the_checkout_lies(tmp_path, name):
  checkout = tmp_path / name / "checkout"
  checkout.parent.mkdir()
  checkout.symlink_to(command.ROOT)

  def run(offsets):
    return subprocess.run(
      [
        *(sys.executable, "-m", "experiments.toy2d", *_TINY),
        *(f"--offsets={offsets}", f"--output_dir={tmp_path / 'run'}"),
      ],
      cwd=tmp_path,
      # A path that is not resolved: modules lie where the link says.
      env={**os.environ, "PYTHONPATH": str(checkout)},
      capture_output=True,
      text=True,
    )

  first = run(5)
  assert first.returncode == 0, first.stderr
  assert "--offsets=5" in (tmp_path / "run" / "flags.txt").read_text().splitlines()
  second = run(6)
  assert second.returncode == 1
  assert "--offsets: 5 -> 6" in second.stderr


def test_the_record_is_the_last_that_overwriting_deletes(tmp_path, monkeypatch):
  run_folder.open_run(tmp_path, False, {}, _EMPTY)
  for name in ("a.txt", "z.txt"):
    (tmp_path / name).write_text("left by an earlier run")
  deleted, unlink = [], pathlib.Path.unlink

  def spy(path, **options):
    if path.parent == tmp_path and path.exists():
      deleted.append(path.name)
    unlink(path, **options)

  monkeypatch.setattr(pathlib.Path, "unlink", spy)
  run_folder.open_run(tmp_path, True, {}, _EMPTY)
  first = deleted[: deleted.index("flags.txt") + 1]
  assert {*first} - lock.NAMES == {"a.txt", "z.txt", "run.json", "flags.txt"}


def test_a_folder_whose_first_record_was_cut_off_is_opened(tmp_path):
  (tmp_path / ".partial.flags.txt").write_text("--see")
  run_folder.open_run(tmp_path, False, {}, _EMPTY)
  assert (tmp_path / "flags.txt").exists()
  assert not (tmp_path / ".partial.flags.txt").exists()
