import keras
import numpy as np

import cxloss
from cxloss import metrics
from tests import golden_pairs

_A, _B = golden_pairs.pair("rolled")


def test_distance_is_the_loss_of_the_weighted_layers():
  layers = {"block2_conv2": 0.5, "block3_conv3": 2.0}
  metric = metrics.ContextualDistance((0, 255), layers, bandwidth=0.5)
  features = cxloss.VGGFeatures(layers, "vgg16", "bundled", (0, 255))
  loss = cxloss.ContextualLoss(features, 0.5, centering="image", reduction="none")
  expected = loss(np.float32(_A[None]), np.float32(_B[None]))
  np.testing.assert_allclose(
    metric(_A[None], _B[None]), keras.ops.convert_to_numpy(expected), rtol=1e-5
  )


def test_distance_forgives_a_shift_more_than_other_content():
  metric = metrics.ContextualDistance((0, 255))
  same, shifted, other = (
    metric(_A[None], image[None])[0] for image in (_A, _B, _A[::-1, ::-1] // 4)
  )
  assert same < 1e-3 < shifted < other
