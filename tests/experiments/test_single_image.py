import functools
import json

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common.data import images
from tests.experiments import command

_TINY = [
  "--blocks=1",
  "--width=4",
  "--crop_size=32",
  "--steps=4",
  "--warm_start_steps=2",
  "--log_every=2",
  "--validate_every=4",
  "--backup_every=1",
]
_run = functools.partial(command.run, "experiments.single_image")


@pytest.fixture(scope="module", name="run")
def _trained(tmp_path_factory):
  base = tmp_path_factory.mktemp("single")
  pixels = np.random.default_rng(0).integers(0, 256, (70, 82, 3), np.uint8)
  images.write_png(base / "photo.png", pixels)
  arguments = [*_TINY, f"--image={base / 'photo.png'}", f"--output_dir={base / 'run'}"]
  code, out, err = _run(*arguments)
  assert code == 0, err
  return base / "run", arguments, out


def test_each_loss_has_its_network_picture_and_measures(run):
  folder, _, out = run
  rows = json.loads((folder / "metrics.json").read_text())
  assert list(rows) == ["bicubic", "l1", "l2", "cx"]
  assert all(np.isfinite(list(row.values())).all() for row in rows.values())
  assert f"{rows['cx']['psnr_y']:.2f}" in out
  for name in ("l1", "l2", "cx"):
    with Image.open(folder / "pictures" / f"{name}.png") as picture:
      assert picture.size == (80, 68)
  assert (folder / "panel.png").exists() and (folder / "power_spectrum.png").exists()
  first, *others = (
    keras.models.load_model(folder / f"generator_{name}.keras").get_weights()
    for name in ("l1", "l2", "cx")
  )
  for other in others:
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_log_has_every_phase_and_only_its_own_losses(run):
  entries = [json.loads(line) for line in (run[0] / "metrics.jsonl").open()]
  assert [(e["phase"], e["step"]) for e in entries] == [
    ("warm_start", 2),
    *((name, step) for name in ("l1", "l2", "cx") for step in (2, 4)),
  ]
  # Without a weight, the low-frequency error is not even computed.
  assert "cx" in entries[-1] and "low_frequency" not in entries[-1]
  assert "val_psnr_y" in entries[-1]


def test_finished_run_is_not_repeated_and_gives_the_same(run):
  folder, arguments, _ = run
  before = (folder / "metrics.json").read_text()
  code, out, err = _run(*arguments)
  assert code == 0, err
  assert "Epoch" not in out
  assert (folder / "metrics.json").read_text() == before


def test_photograph_smaller_than_the_crop_is_refused_in_one_line(tmp_path):
  folder = tmp_path / "run"
  code, _, err = _run("--image=chelsea", f"--output_dir={folder}")
  assert code == 1 and "--image must have sides of at least 384" in err
  assert len(err.strip().splitlines()) == 1
  assert not folder.exists()
