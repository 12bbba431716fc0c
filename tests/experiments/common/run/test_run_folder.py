import dataclasses
import json
import pathlib
import signal
import subprocess
import sys

import pytest

from experiments.common.run import run_folder
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from tests.experiments import command, in_process

_HOLD = """
import sys, time
from tests.experiments.common.run import test_run_folder as test
test.open_run(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss:
  layers: dict[str, float] = option(
    ("a", "b:0.5"), "", convert=lambda texts: {t[0]: float(t[2:] or 1) for t in texts}
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  batch_size: int = option(8, "Crops a step.")
  names: tuple[str, ...] = option(("x",), "", flag="name", repeated=True)
  path: pathlib.Path | None = option(None, "")
  replicas: int | None = option(None, "", recorded=False)
  loss: Loss = Loss()


def open_run(folder, overwrite=False, **values):
  return run_folder.open_run(
    folder, Settings(**values), "test", ["--typed"], overwrite=overwrite
  )


def test_the_record_is_readable_and_equal_settings_open_the_folder_again(tmp_path):
  values = {"path": pathlib.Path("p"), "names": ("y", "z")}
  open_run(tmp_path, **values)
  assert json.loads((tmp_path / "settings.json").read_text()) == {
    "batch_size": 8,
    "name": ["y", "z"],
    "path": "p",
    "layers": {"a": 1.0, "b": 0.5},
  }
  about = json.loads((tmp_path / "run.json").read_text())
  assert about["experiment"] == "test" and about["arguments"] == ["--typed"]
  assert "tensorflow" in about["packages"]
  open_run(tmp_path, **values, replicas=2)


@pytest.mark.parametrize(
  ("values", "message"),
  [
    ({"batch_size": 16}, r"\(--batch_size: was 8, is 16\)"),
    ({"names": ("y", "z")}, "--name: was x, is y,z"),
    ({"path": pathlib.Path("p")}, "--path: was not set, is p"),
    ({"loss": Loss(layers={"b": 1.0})}, "--layers: was a,b:0.5, is b"),
  ],
)
def test_other_settings_are_refused_and_told(tmp_path, values, message):
  open_run(tmp_path)
  before = (tmp_path / "settings.json").read_bytes()
  with pytest.raises(UserError, match=f"holds a run with other settings.*{message}"):
    open_run(tmp_path, **values)
  assert (tmp_path / "settings.json").read_bytes() == before
  open_run(tmp_path, overwrite=True, **values)
  open_run(tmp_path, **values)


def test_a_run_within_another_records_the_flags_that_would_start_it(tmp_path):
  settings = Settings(batch_size=3, names=("y", "z"), loss=Loss(layers={"b": 0.5}))
  run_folder.open_run(tmp_path, settings, "test")
  assert json.loads((tmp_path / "run.json").read_text())["arguments"] == [
    *("--batch_size=3", "--name=y", "--name=z", "--layers=b:0.5")
  ]


def test_the_record_is_the_last_that_overwriting_deletes(tmp_path, monkeypatch):
  open_run(tmp_path)
  for name in ("a.txt", "z.txt"):
    (tmp_path / name).write_text("left by an earlier run")
  deleted, unlink = [], pathlib.Path.unlink

  def spy(path, **options):
    if path.parent == tmp_path and path.exists():
      deleted.append(path.name)
    unlink(path, **options)

  monkeypatch.setattr(pathlib.Path, "unlink", spy)
  open_run(tmp_path, overwrite=True)
  first = deleted[: deleted.index("settings.json") + 1]
  assert set(first) - {".owner"} == {"a.txt", "z.txt", "run.json", "settings.json"}


def test_a_folder_whose_first_record_was_cut_off_is_opened(tmp_path):
  (tmp_path / ".partial.settings.json").write_text('{"batch')
  open_run(tmp_path)
  assert (tmp_path / "settings.json").exists()
  assert not (tmp_path / ".partial.settings.json").exists()


def _holder(folder):
  process = subprocess.Popen(
    [sys.executable, "-c", _HOLD, str(folder)],
    cwd=command.ROOT,
    stdout=subprocess.PIPE,
    text=True,
  )
  assert process.stdout.readline().startswith("Run folder")
  assert process.stdout.readline() == "held\n"
  return process


def test_a_folder_belongs_to_one_process_until_that_ends(tmp_path):
  holder = _holder(tmp_path)
  (tmp_path / "kept.txt").write_text("kept")
  try:
    for overwrite in (False, True):
      with pytest.raises(UserError, match=f"in use by process {holder.pid} on "):
        open_run(tmp_path, overwrite)
    code, _, err = in_process.run(
      *("toy2d", "--flagfile=toy2d_quick.flags"),
      *(f"--output_dir={tmp_path}", "--overwrite"),
    )
    assert code == 1 and f"in use by process {holder.pid}" in err
    assert len(err.strip().splitlines()) == 1
  finally:
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
  assert (tmp_path / "kept.txt").read_text() == "kept"
  open_run(tmp_path)
  open_run(tmp_path)  # a run that goes on in the same process
