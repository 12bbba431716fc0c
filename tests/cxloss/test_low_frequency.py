import keras
import numpy as np
import pytest
from keras import ops

import cxloss

_IMAGES = np.random.default_rng(3).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")
_NOISY = np.random.default_rng(4).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")


def test_low_frequency_loss_survives_its_configuration():
  loss = cxloss.LowFrequencyLoss(5, 1.5, "sum", "lf", "float16")
  copy = keras.saving.deserialize_keras_object(
    keras.saving.serialize_keras_object(loss)
  )
  assert copy.get_config() == loss.get_config()
  assert copy.dtype == "float16"
  assert copy(_IMAGES, _NOISY) == loss(_IMAGES, _NOISY)


def test_low_frequency_loss_is_the_error_of_the_blurred_images():
  blurred = cxloss.gaussian_blur(_IMAGES, 7, 2.0) - cxloss.gaussian_blur(_NOISY, 7, 2.0)
  np.testing.assert_allclose(
    cxloss.LowFrequencyLoss(7, 2.0).call(_IMAGES, _NOISY),
    ops.mean(blurred**2, axis=(1, 2, 3)),
    rtol=1e-4,
  )
  # A constant offset is of the lowest frequency: it passes in full.
  np.testing.assert_allclose(
    cxloss.LowFrequencyLoss()(_IMAGES, _IMAGES + 0.5), 0.25, rtol=1e-5
  )


def test_low_frequency_loss_refuses_shapes_that_would_broadcast():
  for other in (_IMAGES[:1], _IMAGES[..., :1], _IMAGES[:, :1]):
    with pytest.raises(ValueError, match=r"`y_true`.*same shape.*\(4, 12, 12, 3\)"):
      cxloss.LowFrequencyLoss(3)(_IMAGES, other)
