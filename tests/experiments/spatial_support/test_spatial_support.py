import functools

from PIL import Image

from experiments.common import results
from experiments.spatial_support import influence, output, support
from experiments.spatial_support.settings import Settings
from tests.experiments import in_process

_TINY = Settings(
  size=32,
  block=4,
  pixels=((13, 6),),
  losses=("l1", "perceptual", "cx_patches"),
  layers={"block1_conv2": 1.0},
)
_run = functools.partial(in_process.run, "spatial_support")


def test_support_grows_from_the_pixel_to_the_image(tmp_path, monkeypatch):
  scene, groups = support.scene(_TINY), support.groups(_TINY)
  maps = support.maps(_TINY, scene, groups, tmp_path)
  output.write(_TINY, scene, maps, tmp_path)
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
  again = support.maps(_TINY, scene, groups, tmp_path)
  assert all((again[loss] == maps[loss]).all() for loss in maps)


def test_pixels_are_the_places_of_contrast_of_both_halves():
  scene = support.scene(Settings(size=64))
  (_, left), (_, right) = scene.pixels
  assert scene.target.shape == (64, 64, 3)
  assert 8 <= left < 32 <= right < 56


def test_command_writes_a_run_folder(tmp_path):
  run = tmp_path / "run"
  arguments = ["--size=16", "--block=8", "--losses=l2", "--pixels=5:9,0:15"]
  code, out, err = _run(*arguments, f"--output_dir={run}")
  assert code == 0, err
  assert [row["pixel"] for row in results.read(run)["rows"]] == ["5:9", "0:15"]
  assert str(run / "support.png") in out
  assert list((run / "tensorboard").glob("events*"))
