import numpy as np
import pytest
from PIL import Image

from experiments.common.data import images
from experiments.common.upscaling import tiling, upscalers
from experiments.common.upscaling.pairs import Pairs
from models import srgan
from tests.experiments.common.upscaling.photographs import Photographs


@pytest.fixture(name="pairs")
def _pairs():
  rng = np.random.default_rng(0)
  return Pairs(Photographs(rng.integers(0, 256, (2, 43, 38, 3), np.uint8)), 4)


def _save(folder, names, shape=(40, 36, 3)):
  for i, name in enumerate(names):
    images.write_png(folder / name, np.full(shape, i + 1, np.uint8))
  return folder


@pytest.mark.parametrize("names", [("a.png", "b.png"), ("a.jpg.png", "b.png")])
def test_pictures_of_a_folder_are_found_by_name(tmp_path, pairs, names):
  methods = upscalers.load([f"x={_save(tmp_path, names)}"], pairs, 4)
  assert list(methods) == ["bicubic", "x"]
  values = [methods["x"](*pair).mean() for pair in pairs]
  assert values == [1, 2]


def test_subfolder_of_the_set_goes_before_the_folder(tmp_path, pairs):
  _save(tmp_path / "inner", ("a.png", "b.png"))
  _save(tmp_path, ("a.png", "b.png", "c.png"))
  (tmp_path / "inner" / "a.png").replace(tmp_path / "inner" / "b.png")
  _save(tmp_path / "inner", ("a.png",))
  found = {
    name: upscalers.load([f"x={tmp_path}"], pairs, 4, name)["x"](*pairs[1]).mean()
    for name in ("inner", "other")
  }
  assert found == {"inner": 1, "other": 2}


def test_interpolations_are_those_of_pillow_and_bicubic_is_there(pairs):
  methods = upscalers.load(["bicubic", "nearest", "mine=lanczos"], pairs, 4)
  assert list(methods) == ["bicubic", "nearest", "mine"]
  _, lr, hr = pairs[0]
  np.testing.assert_array_equal(
    methods["nearest"]("a", lr, hr), lr.repeat(4, 0).repeat(4, 1)
  )
  lanczos = Image.fromarray(lr).resize((36, 40), Image.Resampling.LANCZOS)
  np.testing.assert_array_equal(methods["mine"]("a", lr, hr), lanczos)
  expected = tiling.upscale(tiling.Bicubic(4), lr, 4)
  np.testing.assert_array_equal(methods["bicubic"]("a", lr, hr), expected)


def test_uncut_results_are_cut_and_own_methods_come_after_bicubic(tmp_path, pairs):
  _save(tmp_path, ("a.png", "b.png"), (43, 38, 3))
  methods = upscalers.load([f"x={tmp_path}"], pairs, 4, own={"mine": None})
  assert list(methods) == ["bicubic", "mine", "x"]
  assert methods["x"](*pairs[0]).shape == pairs[0][2].shape == (40, 36, 3)
  with pytest.raises(ValueError, match="'mine' is there already"):
    upscalers.load(["mine=nearest"], pairs, 4, own={"mine": None})


def test_network_is_run_on_the_small_image(tmp_path, pairs):
  generator = srgan.generator(1, 4)
  generator.save(tmp_path / "g.keras")
  methods = upscalers.load([f"ours={tmp_path / 'g.keras'}"], pairs, 4)
  assert methods["ours"](*pairs[0]).shape == (40, 36, 3)
  with pytest.raises(ValueError, match=r"--method=ours.*--scale=2"):
    upscalers.load([f"ours={tmp_path / 'g.keras'}"], pairs, 2)


def test_npz_files_without_enhancenet_are_named(tmp_path, pairs):
  np.savez(tmp_path / "other.npz", a=np.zeros(3))
  specification = f"theirs={tmp_path / 'other.npz'}"
  with pytest.raises(ValueError, match=r"--method=theirs.*generator\.Conv\.weights"):
    upscalers.load([specification], pairs, 4)
  with pytest.raises(ValueError, match=r"--method=theirs.*needs --scale=4"):
    upscalers.load([specification], pairs, 2)


@pytest.mark.parametrize(
  ("names", "shape", "message"),
  [
    (("a.png",), (40, 36, 3), "has no picture of b"),
    (("a.png", "a.jpg.png", "b.png"), (40, 36, 3), "both pictures of a"),
    (("a.png", "b.png"), (40, 40, 3), r"a.png.*36 x 40.*Received: 40 x 40"),
    (("a.png", "b.png"), (39, 36, 3), r"a.png.*36 x 40.*Received: 36 x 39"),
  ],
)
def test_missing_or_unfit_pictures_are_named(tmp_path, pairs, names, shape, message):
  _save(tmp_path, names, shape)
  with pytest.raises(ValueError, match=f"--method=x: .*{message}"):
    upscalers.load([f"x={tmp_path}"], pairs, 4)


@pytest.mark.parametrize(
  ("specifications", "message"),
  [
    (["=x"], "NAME=SOURCE"),
    (["a="], "NAME=SOURCE"),
    (["../a=nearest"], "NAME of letters"),
    (["sharp"], "NAME=SOURCE.*bicubic, nearest, bilinear, lanczos.*'sharp'"),
    (["a=sharp"], "--method=a must be a folder.*bicubic, nearest.*'sharp'"),
    (["a=nearest", "a=lanczos"], "'a' is there already"),
    (["original=nearest"], "'original' is there already"),
  ],
)
def test_malformed_methods_are_refused(pairs, specifications, message):
  with pytest.raises(ValueError, match=message):
    upscalers.load(specifications, pairs, 4)
