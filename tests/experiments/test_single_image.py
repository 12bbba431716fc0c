import keras
import numpy as np
import pytest
from PIL import Image

from experiments import single_image
from experiments.common import results
from experiments.common.data import images
from tests.experiments import command, in_process

_SETTINGS = single_image.Settings(
  image="photo.png",
  blocks=1,
  width=4,
  crop_size=32,
  steps=4,
  warm_start_steps=2,
  log_every=2,
  validate_every=4,
  backup_every=1,
)
_LOSSES = ("l1", "l2", "cx")


def _photograph():
  return np.random.default_rng(0).integers(0, 256, (70, 82, 3), np.uint8)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("single")
  single_image.train((_SETTINGS, _photograph()), folder)
  return folder


def test_each_loss_has_its_network_picture_and_measures(folder):
  rows = results.read(folder)["rows"]
  assert [row.pop("method") for row in rows] == ["bicubic", *_LOSSES]
  assert all(np.isfinite(list(row.values())).all() for row in rows)
  for name in ("original", "bicubic", *_LOSSES):
    with Image.open(folder / "pictures" / "photo" / f"{name}.png") as picture:
      assert picture.size == (80, 68)
  for file in ("panels/photo.png", "power_spectrum.png"):
    assert (folder / file).exists()
  first, *others = (
    keras.models.load_model(folder / f"generator_{name}.keras").get_weights()
    for name in _LOSSES
  )
  for other in others:
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_log_has_every_phase_and_only_its_own_losses(folder):
  entries = command.entries(folder)
  assert command.steps(folder) == [
    ("warm_start", 2),
    *((name, step) for name in _LOSSES for step in (2, 4)),
  ]
  # Without a weight, the low-frequency error is not even computed.
  assert "cx" in entries[-1] and "low_frequency" not in entries[-1]
  assert "val_psnr_y" in entries[-1]


def test_command_trains_like_the_function_and_prints_what_it_finds(folder, tmp_path):
  images.write_png(tmp_path / "photo.png", _photograph())
  values = {**vars(_SETTINGS), "image": tmp_path / "photo.png", "losses": "l1,l2,cx"}
  out, _ = in_process.succeed(
    "single_image",
    *(f"--{name}={value}" for name, value in values.items()),
    f"--output_dir={tmp_path / 'run'}",
  )
  assert results.read(tmp_path / "run") == results.read(folder)
  assert f"{results.read(folder)['rows'][3]['psnr_y']:.2f}" in out


def test_photograph_smaller_than_the_crop_is_refused_in_one_line(tmp_path):
  folder = tmp_path / "run"
  code, _, err = in_process.run(
    "single_image", "--image=chelsea", f"--output_dir={folder}"
  )
  assert code == 1 and "--image must be at least 384 x 384 pixels" in err
  assert len(err.strip().splitlines()) == 1
  assert not folder.exists()
