import keras
import numpy as np
import scipy.ndimage
import skimage.data
import tensorflow as tf

import cxloss
from experiments.spatial_support import influence

_TARGET = skimage.data.chelsea()[70:86, 120:136] / np.float32(255)
_GENERATED = scipy.ndimage.gaussian_filter(_TARGET, [1, 1, 0])
_PIXELS = [(5, 9), (0, 15)]


def _pixelwise(images):
  return [(1.0, images)]


def _l1(y, x):
  return tf.reduce_mean(tf.abs(x - y), axis=[1, 2, 3])


def _l2(y, x):
  return tf.reduce_mean((x - y) ** 2, axis=[1, 2, 3])


def _cx(y, x):
  return cxloss.contextual_loss(y, x, centering="image")


def _maps(features, distance, **kwargs):
  problem = (_TARGET, _GENERATED, _PIXELS)
  return influence.influences(features, {"loss": distance}, *problem, **kwargs)["loss"]


def _brute_force(features, distance, pixel, replaced):
  """Influence of one target pixel, by plain reverse-mode differentiation."""

  def gradient(target):
    x = tf.constant(_GENERATED[None])
    with tf.GradientTape() as tape:
      tape.watch(x)
      pairs = zip(features(target[None]), features(x), strict=True)
      loss = sum(w * distance(y, x_) for (w, y), (_, x_) in pairs)
    return tape.gradient(loss, x)[0].numpy()[pixel]

  changes = []
  for colour in (0.0, 1.0):
    target = _TARGET.copy()
    target[replaced] = colour
    changes.append(np.linalg.norm(gradient(target) - gradient(_TARGET)))
  return max(changes)


def test_l1_and_l2_see_exactly_the_pixel_itself():
  for distance in (_l1, _l2):
    for seen, pixel in zip(_maps(_pixelwise, distance), _PIXELS, strict=True):
      assert np.argwhere(seen).tolist() == [list(pixel)]


def test_perceptual_loss_sees_its_receptive_field():
  keras.utils.set_random_seed(0)
  features = cxloss.VGGFeatures(["block1_conv2"], "vgg16", None, (0, 1))
  # Two 3 x 3 convolutions reach 2 pixels, and the target's features 2 more.
  for seen, (row, column) in zip(_maps(features, _l2), _PIXELS, strict=True):
    inside = np.zeros([16, 16], bool)
    inside[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5] = True
    np.testing.assert_array_equal(seen > 0, inside)


def test_contextual_loss_sees_the_whole_image():
  for seen in _maps(cxloss.PatchFeatures(3, 1), _cx):
    assert influence.share(seen, 0.0) == 1
    assert influence.share(seen, 0.01) > 0.2


def test_influence_is_that_of_plain_differentiation():
  features = cxloss.PatchFeatures(3, 2)
  seen = _maps(features, _cx, batch_size=7)
  for k, pixel in enumerate(_PIXELS):
    for replaced in ((5, 9), (2, 3), (14, 0)):
      expected = _brute_force(features, _cx, pixel, replaced)
      np.testing.assert_allclose(seen[k][replaced], expected, rtol=1e-3, atol=1e-7)


def test_share_and_reach_of_a_known_map():
  seen = np.zeros([4, 4])
  seen[1, 1], seen[3, 0] = 1.0, 0.1
  assert influence.share(seen, 0.05) == 2 / 16
  assert influence.share(seen, 0.5) == 1 / 16
  # Blocks of 2: rows 6 and 7 are the last ones, 4 below row 2.
  assert influence.reach(seen, (2, 3), 2, 0.05) == 4
  assert influence.reach(seen, (2, 3), 2, 0.5) == 0
