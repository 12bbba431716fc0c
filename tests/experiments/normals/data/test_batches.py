import numpy as np

from experiments.normals.data import batches, example, views

_ROWS, _COLUMNS = np.mgrid[:12, :20]


def _source(mask=None):
  """One example: its colours tell the place, its normals lean by the column."""
  image = np.uint8(np.stack([_ROWS, _COLUMNS, 0 * _ROWS], axis=-1))
  lean = _COLUMNS / 40
  normals = np.stack([lean, 0 * lean, np.sqrt(1 - lean**2)], axis=-1)
  return [example.make_example(image, normals, mask)]


def _take(dataset, count):
  return [
    [part.numpy() for part in batch]
    for batch, _ in zip(dataset, range(count), strict=False)
  ]


def test_crops_hold_matching_pixels_and_mirroring_turns_the_normals():
  mirrored = 0
  for image, normals, mask in _take(
    batches.training_batches(_source(), 8, 8, 2, 0), 20
  ):
    assert image.shape == normals.shape == (2, 8, 8, 3) and mask.shape == (2, 8, 8)
    columns = (image[..., 1] + 1) * 127.5
    flipped = columns[:, 0, 0] > columns[:, 0, 1]
    sign = np.where(flipped, -1, 1)[:, None, None]
    np.testing.assert_allclose(normals[..., 0], sign * columns / 40, atol=1e-5)
    assert mask.all()
    mirrored += flipped.sum()
  assert 8 < mirrored < 32


def test_batches_can_be_entered_at_any_step():
  whole = _take(batches.training_batches(_source(), 8, 8, 2, 5), 4)
  rest = _take(batches.training_batches(_source(), 8, 8, 2, 5, start=2), 2)
  for expected, batch in zip(whole[2:], rest, strict=True):
    for a, b in zip(expected, batch, strict=True):
      np.testing.assert_array_equal(a, b)


def test_crops_avoid_places_with_few_valid_pixels():
  mask = np.zeros((12, 20), bool)
  mask[7:, 12:] = True
  for _, normals, valid in _take(
    batches.training_batches(_source(mask), 6, 6, 4, 1), 10
  ):
    assert (valid.mean(axis=(1, 2)) >= 0.2).all()
    assert (normals[~valid] == 0).all()


def test_views_take_the_place_of_crops_and_show_most_of_the_picture():
  view = views.ViewSettings(zoom=0.9)
  batch_ = batches.training_batches(_source(), 6, 10, 2, 0, view=view)
  for image, normals, mask in _take(batch_, 5):
    assert image.shape == normals.shape == (2, 6, 10, 3) and mask.all()
    columns = (image[..., 1] + 1) * 127.5
    assert (np.ptp(columns, axis=(1, 2)) > 14).all(), "not most of 20 columns"
    mirrored = columns[:, 0, 0] > columns[:, 0, -1]
    sign = np.where(mirrored, -1, 1)[:, None, None]
    np.testing.assert_allclose(normals[..., 0], sign * columns / 40, atol=0.03)
