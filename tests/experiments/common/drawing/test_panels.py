import numpy as np
import pytest

from experiments.common.drawing import diagrams, panels


def _flat_with_noise(places, size=16):
  image = np.full((80, 120, 3), 90, np.uint8)
  rng = np.random.default_rng(0)
  for contrast, (top, left) in zip((200, 120), places, strict=True):
    noise = rng.integers(0, contrast, (size, size, 3), np.uint8)
    image[top : top + size, left : left + size] = noise
  return image


def test_details_are_the_two_places_of_largest_contrast():
  original = _flat_with_noise([(50, 90), (8, 20)])
  # A method's picture that marks the two places by colours of their own.
  marked = np.full_like(original, 90)
  marked[50:66, 90:106], marked[8:24, 20:36] = (255, 0, 0), (0, 0, 255)
  panel = panels.side_by_side(
    {"original": original, "m": marked}, "original", 2, 16, 120
  )
  below = panel[28 + 80 :]  # the caption and the whole pictures
  half = below.shape[0] // 2
  # Largest contrast first, and each detail shows nothing else.
  for part, expected in ((below[:half], (255, 0, 0)), (below[half:], (0, 0, 255))):
    shares = {c: (part[:, 130:] == c).all(axis=2).mean() for c in [expected]}
    assert shares[expected] > 0.8


def test_wide_pictures_are_reduced_to_the_column():
  wide = np.random.default_rng(0).integers(0, 256, (100, 400, 3), np.uint8)
  panel = panels.side_by_side({"original": wide, "b": wide}, "original", width=120)
  assert panel.shape[1] == 2 * 120 + 8


def test_spectra_of_any_number_of_methods_fit_the_figure():
  rng = np.random.default_rng(0)
  for names in (["original"], ["a", "b", "c", "d", "e", "f", "original"]):
    maps = {name: rng.normal(0, 10, (32, 32)) for name in names}
    before = {name: values.copy() for name, values in maps.items()}
    drawn = diagrams.spectra(maps, "original", 4)
    assert drawn.dtype == np.uint8 and drawn.shape[2] == 3
    assert drawn.std() > 10
    for name in names:
      np.testing.assert_array_equal(maps[name], before[name])


def test_zooms_show_the_same_places_of_every_method():
  original = _flat_with_noise([(50, 90), (8, 20)])
  marked = np.full_like(original, 90)
  marked[50:66, 90:106], marked[8:24, 20:36] = (255, 0, 0), (0, 0, 255)
  zooms = panels.ZoomPanel(original, count=2, size=64)
  zooms.add("m", marked)
  zooms.add("original", original)
  panel = zooms.draw("photograph")
  # Frames of 3, a column of 64 for each, and a gap.
  columns = panel[28:, -2 * 70 - 8 :]
  column, truth = columns[:, :70], columns[:, 78:]
  for part, expected in ((column[3:67], (255, 0, 0)), (column[81:145], (0, 0, 255))):
    assert (part == expected).all(axis=2).mean() > 0.8
  np.testing.assert_array_equal(truth[3:67:4, 3:67:4], original[50:66, 90:106])
  # The whole picture, with frames in the colours of the details'.
  whole = panel[28 : 28 + 148, :222]
  for row in (0, 78):
    colour = column[row, 0]
    assert not (colour == 90).all()
    assert (whole == colour).all(axis=2).sum() > 100


@pytest.mark.parametrize("shape", [(16, 16), (20, 300), (300, 20), (1600, 1700)])
def test_zooms_fit_pictures_of_any_shape(shape):
  picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
  zooms = panels.ZoomPanel(picture)
  for name in ("a", "b", "c"):
    zooms.add(name, picture)
  panel = zooms.draw("whole")
  assert panel.dtype == np.uint8 and max(panel.shape) < 2500
