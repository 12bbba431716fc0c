import numpy as np
from PIL import Image

from experiments.common.upscaling.compare import Comparison
from experiments.common.upscaling.measure import Measures
from experiments.sr import evaluate

_METHODS = {
  "exact": lambda name, lr, hr: hr,
  "black": lambda name, lr, hr: np.zeros_like(hr),
}


def _pair(name, side):
  hr = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
  return name, hr[::4, ::4], hr


def test_every_method_has_a_row_a_picture_and_a_place_in_the_panel(tmp_path):
  comparison = Comparison(Measures(4, keys=("psnr_y", "colour")), tmp_path)
  seen = []
  pairs = [_pair(name, 40) for name in "abcd"]
  comparison.add(_METHODS, pairs, after=lambda *values: seen.append(values))
  places = [(row["image"], row["method"]) for row in comparison.rows]
  assert places == [(name, method) for name in "abcd" for method in _METHODS]
  assert list(comparison.rows[0]) == ["image", "method", "psnr_y", "colour"]
  assert comparison.rows[0]["psnr_y"] == np.inf and comparison.rows[0]["colour"] == 0
  files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")}
  # Pictures of the first three photographs alone, panels of all.
  assert files == {
    *(f"panels/{name}.png" for name in "abcd"),
    *(f"pictures/{n}/{m}.png" for n in "abc" for m in (*_METHODS, "original")),
  }
  for (name, hr, panel), pair in zip(seen, pairs, strict=True):
    assert name == pair[0] and hr is pair[2]
    with Image.open(tmp_path / "panels" / f"{name}.png") as picture:
      np.testing.assert_array_equal(picture, panel)
  assert not (np.asarray(Image.open(tmp_path / "pictures/a/black.png"))).any()


def test_what_could_not_be_measured_is_told_once_for_each_set(tmp_path):
  comparison = Comparison(Measures(4), originals=True)
  comparison.add(_METHODS, [_pair("large", 200), _pair("small", 40)], "set")
  exact, black, original, small, *_ = comparison.rows
  assert exact["spectrum_db"] == exact["lpips"] == 0 and small["niqe"] is None
  assert black["spectrum_db"] > 0 and black["lpips"] > 0.1
  assert original["method"] == "original" and original["psnr_y"] is None
  assert original["niqe"] == exact["niqe"]
  notes = evaluate.notes(comparison)
  assert "psnr_y of exact, set: infinite, as images equal the originals" in notes
  start = "spectrum_db, high_db of set: no value for 1 of 2 images, such as small: "
  assert any(note.startswith(start) for note in notes)
  assert not list(tmp_path.iterdir())
