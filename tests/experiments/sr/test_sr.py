import functools
import json
import os
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from tests.experiments import command

_TINY = [
  "--blocks=1",
  "--width=4",
  "--discriminator_width=2",
  "--crop_size=32",
  "--batch_size=2",
  "--steps_per_epoch=4",
  "--pretrain_epochs=2",
  "--epochs=3",
  "--backbone=vgg16",
  "--backbone_weights=bundled",
  "--layers=block1_conv2",
  "--max_points=100",
  "--backup_every=3",
  "--validate_every=2",
  "--average=0.5",
  "--seed=4",
]
_start = functools.partial(command.start, "experiments.sr")
_run = functools.partial(command.run, "experiments.sr")


def _photos(folder):
  folder.mkdir()
  rng = np.random.default_rng(0)
  for i in range(4):
    pixels = rng.integers(0, 256, (40, 44, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{i}.png")
  return folder


@pytest.fixture(scope="module", name="whole_run")
def _whole_run(tmp_path_factory):
  base = tmp_path_factory.mktemp("sr")
  photos = _photos(base / "photos")
  code, out, err = _run(*_TINY, f"--data={photos}", f"--output_dir={base / 'run'}")
  assert code == 0, err
  return base, out, err


def test_run_folder_holds_what_the_run_was_and_found(whole_run):
  base, out, err = whole_run
  run = base / "run"
  assert "I0000" not in err and "oneDNN custom" not in err
  assert "--crop_size=32" in (run / "flags.txt").read_text()
  assert json.loads((run / "run.json").read_text())["seed"] == 4
  steps = [(e["phase"], e["step"]) for e in command.entries(run)]
  assert steps == [("mse", 4), ("mse", 8), ("ours", 4), ("ours", 8), ("ours", 12)]
  names = {"contextual", "low_frequency", "adversarial", "d_real", "d_fake"}
  last = command.entries(run)[-1]
  assert names | {"learning_rate", "val_psnr_y", "val_ssim_y"} <= set(last)
  (bicubic, _, ours) = results.read(run)["rows"]
  assert (bicubic["method"], ours["method"]) == ("bicubic", "ours")
  assert f"{bicubic['psnr_y']:.2f}" in out
  # The network that was validated, an average of weights, is the one that is kept.
  assert last["val_psnr_y"] == pytest.approx(ours["psnr_y"], abs=1e-6)
  with Image.open(next((run / "panels").iterdir())) as panel:
    assert panel.size[0] > 4 * 40


def test_tensorboard_shows_scalars_pictures_and_histograms(whole_run):
  from tensorboard.backend.event_processing import event_accumulator

  folder = whole_run[0] / "run" / "tensorboard" / "ours"
  events = event_accumulator.EventAccumulator(str(folder)).Reload()
  assert {
    "losses/loss",
    "losses/contextual",
    "losses/d_fake",
    "rates/generator",
    "rates/discriminator",
    "validation/psnr_y",
    "validation/ssim_y",
    "validation/3",
    "discriminator_logits/real",
    "discriminator_logits/fake",
  } <= set(events.Tags()["tensors"])


def test_killed_run_goes_on_and_ends_as_if_it_had_not_been(whole_run):
  base, _, _ = whole_run
  run = base / "killed"
  arguments = [*_TINY, f"--data={base / 'photos'}", f"--output_dir={run}"]
  for phase, sign in (("mse", signal.SIGKILL), ("ours", signal.SIGKILL)):
    process = _start(*arguments)
    backup = run / "backup" / f"{phase}.weights.h5"
    command.wait_for(backup, process)
    os.kill(process.pid, sign)
    process.communicate()
    assert process.returncode != 0, f"it ended before it was killed in {phase}"
  # What it recorded says how to go on.
  code, _, err = _run(f"--flagfile={run / 'flags.txt'}", f"--output_dir={run}")
  assert code == 0, err
  a, b = (
    keras.models.load_model(folder / "generator.keras")
    for folder in (base / "run", run)
  )
  for first, second in zip(a.weights, b.weights, strict=True):
    np.testing.assert_array_equal(first, second, err_msg=first.path)
  steps = [(e["phase"], e["step"]) for e in command.entries(run)]
  assert steps == [(e["phase"], e["step"]) for e in command.entries(base / "run")]


def test_finished_run_is_not_repeated_and_other_flags_are_refused(whole_run):
  base, _, _ = whole_run
  arguments = [*_TINY, f"--data={base / 'photos'}", f"--output_dir={base / 'run'}"]
  code, out, _ = _run(*arguments)
  assert code == 0 and "Epoch" not in out
  code, _, err = _run(*arguments, "--lambda_cx=0.2")
  assert code == 1 and "--lambda_cx: 0.1 -> 0.2" in err and "Traceback" not in err
