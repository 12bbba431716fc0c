import numpy as np
import pytest

from experiments.common.drawing import panels


def _flat_with_noise(places, size=16):
  image = np.full((80, 120, 3), 90, np.uint8)
  rng = np.random.default_rng(0)
  for contrast, (top, left) in zip((200, 120), places, strict=True):
    noise = rng.integers(0, contrast, (size, size, 3), np.uint8)
    image[top : top + size, left : left + size] = noise
  return image


def test_details_are_the_two_places_of_largest_contrast_of_every_method():
  original = _flat_with_noise([(50, 90), (8, 20)])
  # A method's picture that marks the two places by colours of their own.
  marked = np.full_like(original, 90)
  marked[50:66, 90:106], marked[8:24, 20:36] = (255, 0, 0), (0, 0, 255)
  panel = panels.Panel(original[::4, ::4], original, size=64)
  panel.add("m", marked)
  panel.add("original", original)
  drawn = panel.draw("photograph")
  # Frames of 3, a column of 64 for each, and a gap.
  details = drawn[28:, -3 * 70 - 2 * 8 :]
  small, column, truth = (details[:, x : x + 70] for x in (0, 78, 156))
  for part, expected in ((column[3:67], (255, 0, 0)), (column[81:145], (0, 0, 255))):
    assert (part == expected).all(axis=2).mean() > 0.8
  np.testing.assert_array_equal(truth[3:67:4, 3:67:4], original[50:66, 90:106])
  # The pixels of the small picture that lie there.
  rows, columns = np.arange(50, 66) // 4, np.arange(90, 106) // 4
  expected = original[::4, ::4][rows][:, columns]
  np.testing.assert_array_equal(small[3:67:4, 3:67:4], expected)
  # The whole picture, with frames in the colours of the details'.
  whole = drawn[28 : 28 + 148, :222]
  for row in (0, 78):
    colour = column[row, 0]
    assert not (colour == 90).all()
    assert (whole == colour).all(axis=2).sum() > 100


@pytest.mark.parametrize("shape", [(16, 16), (20, 300), (300, 20), (1600, 1700)])
def test_panels_fit_pictures_of_any_shape(shape):
  picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
  panel = panels.Panel(picture[::4, ::4], picture)
  for name in ("a", "b", "c"):
    panel.add(name, picture)
  drawn = panel.draw("whole")
  assert drawn.dtype == np.uint8 and max(drawn.shape) < 2800
