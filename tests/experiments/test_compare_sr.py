import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

_ROOT = pathlib.Path(__file__).parents[2]
_TINY = ["--steps=2", "--crop_size=32", "--batch_size=1", "--seed=3", "--nospectra"]


def _start(*arguments):
  command = [sys.executable, "-m", "experiments.compare_sr", *map(str, arguments)]
  return subprocess.Popen(
    command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
  )


def _run(*arguments):
  process = _start(*arguments)
  out, err = process.communicate(timeout=500)
  return process.returncode, out, err


@pytest.fixture(name="photos")
def _photos(tmp_path):
  rng = np.random.default_rng(0)
  folder = tmp_path / "photos"
  folder.mkdir()
  for i in range(3):
    pixels = rng.integers(0, 256, (40, 44, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{i}.png")
  return folder


def test_methods_train_for_the_same_steps_and_meet_in_one_table(tmp_path, photos):
  run = tmp_path / "run"
  arguments = [*_TINY, f"--data={photos}", f"--output_dir={run}"]
  arguments.append("--methods=srresnet,lapsrn,ours")
  process = _start(*arguments)
  # Stopped once the first method has begun, it goes on with the same command.
  backup = run / "srresnet" / "backup" / "mse.weights.h5"
  deadline = time.monotonic() + 200
  while not backup.exists() and process.poll() is None:
    assert time.monotonic() < deadline
    time.sleep(0.05)
  os.kill(process.pid, signal.SIGTERM)
  _, err = process.communicate(timeout=100)
  assert process.returncode == 130, err
  assert "the same command goes on" in err
  code, out, err = _run(*arguments)
  assert code == 0, err
  for name, steps in (("srresnet", [2]), ("lapsrn", [2]), ("ours", [1, 1])):
    entries = [json.loads(line) for line in (run / name / "metrics.jsonl").open()]
    last = {entry["phase"]: entry["step"] for entry in entries}
    assert list(last.values()) == steps
    assert "--seed=3" in (run / name / "flags.txt").read_text()
  results = json.loads((run / "evaluation.json").read_text())
  assert list(results) == ["bicubic", "srresnet", "lapsrn", "ours"]
  # The same photographs and networks as in the methods' own runs.
  for name, own in (("srresnet", "mse"), ("lapsrn", "lapsrn"), ("ours", "ours")):
    rows = json.loads((run / name / "evaluation.json").read_text())
    assert rows[own] == results[name]
  with Image.open(run / "panels" / "2.png") as panel:
    assert panel.size[0] > 5 * 3 * 40
  before = out.count("Epoch")
  code, out, _ = _run(*arguments)
  assert code == 0 and before > 0 and "Epoch" not in out


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--methods=ours,theirs"], "--methods"),
    (["--crop_size=30"], "--crop_size"),
    (["--data=/nowhere"], "--data"),
  ],
)
def test_mistakes_end_with_a_hint_and_without_a_trace(tmp_path, arguments, message):
  code, _, err = _run(f"--output_dir={tmp_path / 'run'}", *arguments)
  assert code == 1
  assert message in err and "Traceback" not in err
  assert not (tmp_path / "run").exists()
