import dataclasses
import functools
import json
import os
import signal

import pytest
from PIL import Image

from experiments import compare_sr
from experiments.common import results
from experiments.sr import phases
from tests.experiments import command, in_process
from tests.experiments.common.upscaling import photographs

_TINY = ["--steps=2", "--crop_size=32", "--batch_size=1", "--seed=3"]
_run = functools.partial(in_process.run, "compare_sr")


@pytest.fixture(name="photos")
def _photos(tmp_path):
  return photographs.write(tmp_path / "photos", 3, 72, 76)


def test_methods_train_for_the_same_steps_and_meet_in_one_table(tmp_path, photos):
  run = tmp_path / "run"
  arguments = [*_TINY, f"--data={photos}", f"--output_dir={run}"]
  arguments.append("--methods=srresnet,lapsrn,ours")
  out, _ = in_process.succeed("compare_sr", *arguments)
  for name, steps in (("srresnet", [2]), ("lapsrn", [2]), ("ours", [1, 1])):
    entries = [json.loads(line) for line in (run / name / "metrics.jsonl").open()]
    last = {entry["phase"]: entry["step"] for entry in entries}
    assert list(last.values()) == steps
    assert json.loads((run / name / "settings.json").read_text())["seed"] == 3
  rows = {row["method"]: row for row in results.read(run)["rows"]}
  assert list(rows) == ["bicubic", "srresnet", "lapsrn", "ours"]
  # The same photographs and networks as in the methods' own runs.
  for name, phase in (("srresnet", "mse"), ("lapsrn", "lapsrn"), ("ours", "ours")):
    own = results.read(run / name)["rows"][-1]
    assert own["method"] == phase
    assert {**rows[name], "method": phase}.items() <= own.items()
  with Image.open(run / "panels" / "2.png") as panel:
    assert panel.size[0] > 5 * 3 * 40
  spectra = results.read(run / "power_spectrum")["rows"]
  assert [row["method"] for row in spectra] == list(rows)
  assert (run / "power_spectrum" / "power_spectrum.png").exists()
  assert "loss:" in out
  out, _ = in_process.succeed("compare_sr", *arguments)
  assert "loss:" not in out


@pytest.mark.slow
def test_stopped_comparison_goes_on_with_the_same_command(tmp_path, photos):
  run = tmp_path / "run"
  arguments = [*_TINY, f"--data={photos}", f"--output_dir={run}"]
  arguments.append("--methods=lapsrn,srresnet")
  process = command.start("experiments.compare_sr", *arguments)
  command.wait_for(run / "lapsrn" / "backup" / "lapsrn.weights.h5", process)
  os.kill(process.pid, signal.SIGTERM)
  _, err = process.communicate(timeout=100)
  assert process.returncode == 130, err
  assert "the same command goes on" in err
  in_process.succeed("compare_sr", *arguments)
  methods = [row["method"] for row in results.read(run)["rows"]]
  assert methods == ["bicubic", "lapsrn", "srresnet"]
  assert command.steps(run / "lapsrn")[-1] == ("lapsrn", 2)


def test_the_papers_lapsrn_halves_its_rate_half_way():
  shared = compare_sr.Settings(data="div2k", steps=100_000, size="paper")
  lapsrn = compare_sr.of_method(shared, "lapsrn")
  assert lapsrn.epochs * lapsrn.steps_per_epoch == 100_000
  generator = phases.build_generator(
    dataclasses.replace(lapsrn.network, blocks=1, width=8)
  )
  (phase,) = phases.build_phases(lapsrn, generator, lapsrn.steps_per_epoch)
  rates = []
  for step in (0, 49_999, 50_000, 99_999):
    phase.model.optimizer.iterations.assign(step)
    rates.append(float(phase.model.optimizer.learning_rate))
  assert rates == pytest.approx([1e-5, 1e-5, 5e-6, 5e-6])


def test_photographs_too_small_for_spectra_are_refused_before_training(tmp_path):
  for i in range(2):
    Image.new("RGB", (40, 44)).save(tmp_path / f"{i}.png")
  run = tmp_path / "run"
  code, _, err = _run(*_TINY, f"--data={tmp_path}", f"--output_dir={run}")
  assert code == 1 and "--nospectra" in err and "40 x 44" in err
  assert not run.exists()
