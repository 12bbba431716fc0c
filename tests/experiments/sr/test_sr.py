import json

import pytest
from PIL import Image

from experiments.common import results
from tests.experiments import command, in_process
from tests.experiments.common.upscaling import photographs

_TINY = [
  *(*command.TINY_SR, "--pretrain_epochs=2", "--epochs=3"),
  *("--backup_every=3", "--validate_every=2", "--average=0.5"),
]


@pytest.fixture(scope="module", name="whole_run")
def _whole_run(tmp_path_factory):
  base = tmp_path_factory.mktemp("sr")
  photos = photographs.write(base / "photos", 4, 40, 44)
  arguments = [f"--data={photos}", f"--output_dir={base / 'run'}"]
  out, err = command.succeed("experiments.sr", *_TINY, *arguments)
  return base, out, err


def test_run_folder_holds_what_the_run_was_and_found(whole_run):
  base, out, err = whole_run
  run = base / "run"
  assert "I0000" not in err and "oneDNN custom" not in err
  assert json.loads((run / "settings.json").read_text())["crop_size"] == 32
  assert json.loads((run / "run.json").read_text())["experiment"] == "sr"
  phases = [("mse", 4), ("mse", 8), ("ours", 4), ("ours", 8), ("ours", 12)]
  assert command.steps(run) == phases
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
  } <= command.tags(whole_run[0] / "run" / "tensorboard" / "ours")


def test_killed_run_goes_on_and_ends_as_if_it_had_not_been(whole_run):
  base, _, _ = whole_run
  run = base / "killed"
  arguments = [*_TINY, f"--data={base / 'photos'}", f"--output_dir={run}"]
  for phase in ("mse", "ours"):
    backup = run / "backup" / f"{phase}.weights.h5"
    command.kill_at(backup, "experiments.sr", *arguments)
  command.succeed("experiments.sr", *arguments)
  whole = base / "run"
  command.assert_same_weights(run / "generator.keras", whole / "generator.keras")
  assert command.steps(run) == command.steps(whole)


def test_finished_run_is_not_repeated_and_other_flags_are_refused(whole_run):
  base, _, _ = whole_run
  arguments = [*_TINY, f"--data={base / 'photos'}", f"--output_dir={base / 'run'}"]
  code, out, _ = in_process.run("sr", *arguments)
  assert code == 0 and "Epoch" not in out
  code, _, err = in_process.run("sr", *arguments, "--lambda_cx=0.2")
  assert code == 1 and "--lambda_cx: was 0.1, is 0.2" in err and "Traceback" not in err
