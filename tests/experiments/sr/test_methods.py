import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from experiments.common.data import images

_ROOT = pathlib.Path(__file__).parents[3]
_TINY = [
  "--width=4",
  "--blocks=1",
  "--crop_size=32",
  "--batch_size=2",
  "--steps_per_epoch=2",
]
_GAN = [
  *_TINY,
  "--discriminator_width=2",
  "--pretrain_epochs=1",
  "--backbone=vgg16",
  "--backbone_weights=bundled",
]


def _run(*arguments):
  command = [sys.executable, "-m", "experiments.sr", *map(str, arguments)]
  return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
  ("arguments", "phases", "terms"),
  [
    (
      ["--model=lapsrn", *_TINY, "--epochs=2"],
      ["lapsrn"],
      {"charbonnier_x2", "charbonnier_x4"},
    ),
    (
      [
        *("--model=enhancenet", *_GAN, "--epochs=1"),
        "--vgg_layers=block1_pool:0.2",
        "--texture_layers=block1_conv1:3e-7",
      ],
      ["mse", "enhancenet"],
      {"vgg", "texture", "adversarial", "d_real", "d_fake"},
    ),
    (
      [
        *("--lambda_cx=0", "--lambda_lf=0", "--lambda_vgg=0.006", "--epochs=1"),
        *(*_GAN, "--vgg_layers=block1_conv2"),
      ],
      ["mse", "srgan"],
      {"vgg", "adversarial", "d_real", "d_fake"},
    ),
  ],
  ids=["lapsrn", "enhancenet", "srgan"],
)
def test_method_trains_its_phases_on_its_own_terms(tmp_path, arguments, phases, terms):
  rng = np.random.default_rng(0)
  for i in range(2):
    pixels = rng.integers(0, 256, (40, 44, 3), np.uint8)
    images.write_png(tmp_path / "photos" / f"{i}.png", pixels)
  run = tmp_path / "run"
  result = _run(*arguments, f"--data={tmp_path / 'photos'}", f"--output_dir={run}")
  assert result.returncode == 0, result.stderr
  entries = [json.loads(line) for line in (run / "metrics.jsonl").open()]
  assert list(dict.fromkeys(entry["phase"] for entry in entries)) == phases
  others = {"phase", "epoch", "step", "seconds", "loss", "learning_rate"}
  validation = {"d_learning_rate", "val_psnr_y", "val_ssim_y"}
  assert set(entries[-1]) - others - validation == terms
  assert list(json.loads((run / "evaluation.json").read_text())) == ["bicubic", *phases]
  files = {path.name for path in run.glob("*.keras")}
  earlier = {f"generator_{name}.keras" for name in phases[:-1]}
  assert files == {"generator.keras", *earlier}
  assert f"--model={phases[-1]}\n" in (run / "flags.txt").read_text()
  # The record is a flagfile of the same run.
  result = _run(f"--flagfile={run / 'flags.txt'}", f"--output_dir={run}")
  assert result.returncode == 0 and "loss:" not in result.stdout, result.stderr
  network = keras.models.load_model(run / "generator.keras")
  assert network.compute_output_shape((1, 6, 9, 3)) == (1, 24, 36, 3)


def test_flagfiles_set_only_flags_that_their_method_has_a_use_for():
  code = """
import pathlib
from absl import flags
from experiments import methods, sr
for path in sorted(pathlib.Path("flags").glob("*.flags")):
  if "--model=" not in path.read_text():
    continue
  for name in flags.FLAGS:
    flags.FLAGS[name].unparse()
  flags.FLAGS(["sr", f"--flagfile={path}"])
  methods.set_defaults()
  methods.check(flags.FLAGS.crop_size)
  print(path.stem)
"""
  result = subprocess.run(
    [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True
  )
  assert result.returncode == 0, result.stderr
  names = {"srresnet", "srgan", "lapsrn", "enhancenet"}
  assert set(result.stdout.split()) == {*names, *(f"{name}_quick" for name in names)}
