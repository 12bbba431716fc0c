import numpy as np
import scipy.ndimage
from PIL import Image

from experiments.common import results
from experiments.spatial_support import __main__ as spatial_support
from experiments.spatial_support import influence
from tests.experiments import in_process

_TINY = spatial_support.Settings(
  size=32,
  block=4,
  pixels=((13, 6),),
  losses=("l1", "perceptual", "cx_patches"),
  layers={"block1_conv2": 1.0},
)


def test_support_grows_from_the_pixel_to_the_image(tmp_path, monkeypatch):
  scene = spatial_support.prepare(_TINY)
  spatial_support.run(scene, tmp_path)
  content = results.read(tmp_path)
  rows = {row["loss"]: row for row in content["rows"]}
  assert list(rows) == list(_TINY.losses)
  above_zero = {loss: row["share_above_zero"] for loss, row in rows.items()}
  assert above_zero["l1"] == 100 / 64
  assert 100 / 64 < above_zero["perceptual"] <= 100 * 16 / 64
  assert above_zero["cx_patches"] > 95
  assert rows["l1"]["pixel"] == "13:6" and rows["l1"]["reach"] == 0
  assert content["about"] == {"threshold": 0.01}
  with Image.open(tmp_path / "support.png") as picture:
    assert min(picture.size) > 200

  monkeypatch.setattr(influence, "influences", None)  # a call would fail
  spatial_support.run(scene, tmp_path)
  assert results.read(tmp_path) == content


def test_pixels_are_the_places_of_contrast_of_both_halves():
  scene = spatial_support.prepare(spatial_support.Settings(size=64))
  (_, left), (_, right) = scene.pixels
  assert scene.target.shape == (64, 64, 3)
  assert 8 <= left < 32 <= right < 56


def test_command_writes_a_run_folder(tmp_path):
  run = tmp_path / "run"
  arguments = ["--size=16", "--block=8", "--losses=l2", "--pixels=5:9,0:15"]
  out, _ = in_process.succeed("spatial_support", *arguments, f"--output_dir={run}")
  assert [row["pixel"] for row in results.read(run)["rows"]] == ["5:9", "0:15"]
  assert str(run / "support.png") in out
  assert list((run / "tensorboard").glob("events*"))


def test_lightning_holds_four_separate_bolts():
  drawn = spatial_support.lightning(64)
  assert drawn.shape == (64, 64, 3) and drawn.dtype == np.uint8
  _, count = scipy.ndimage.label(drawn[:, :, 0] > 110, np.ones([3, 3]))
  assert count == 4
  assert drawn.min() > 0 and drawn.max() < 255
