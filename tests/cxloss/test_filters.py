import numpy as np
import pytest
import scipy.ndimage

import cxloss
from cxloss.checks import dtype_of
from tests.cxloss import oracle


@pytest.mark.parametrize(
  ("kernel_size", "sigma"), [(21, 3.0), (5, 0.7), (1, 2.0), (9, 100.0)]
)
def test_blur_is_that_of_scipy(kernel_size, sigma):
  # The smallest side that the default kernel accepts is its radius.
  images = oracle.WIDE(oracle.features(1, 2, 10, 17, 3, dtype="float64"))
  expected = scipy.ndimage.gaussian_filter(
    images, sigma, mode="reflect", radius=kernel_size // 2, axes=(1, 2)
  )
  actual = cxloss.gaussian_blur(images, kernel_size, sigma)
  assert dtype_of(actual) == images.dtype
  tolerance = 1e-12 if images.dtype == "float64" else 1e-5
  np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
  np.testing.assert_allclose(
    cxloss.gaussian_blur(images.astype("float32"), kernel_size, sigma),
    expected,
    atol=1e-5,
  )


def test_half_precision_images_are_blurred_in_their_type():
  images = oracle.features(1, 1, 12, 15, 3)
  blurred = cxloss.gaussian_blur(images.astype("float16"))
  assert dtype_of(blurred) == "float16"
  np.testing.assert_allclose(blurred, cxloss.gaussian_blur(images), atol=5e-3)


@pytest.mark.parametrize(
  ("shape", "options", "message"),
  [
    ((1, 9, 30, 3), {}, r"`images`.*10 pixels.*\(1, 9, 30, 3\)"),
    ((30, 30, 3), {}, r"`images`.*\(N, H, W, C\).*\(30, 30, 3\)"),
    ((1, 30, 30, 3), {"kernel_size": 20}, r"`kernel_size`.*odd.*=20"),
    ((1, 30, 30, 3), {"kernel_size": 2.5}, r"`kernel_size`.*odd.*=2\.5"),
    ((1, 30, 30, 3), {"kernel_size": "3"}, r"`kernel_size`.*odd.*='3'"),
    ((1, 30, 30, 3), {"sigma": None}, r"`sigma`.*number.*=None"),
    ((1, 30, 30, 3), {"sigma": float("inf")}, r"`sigma`.*finite.*=inf"),
    ((1, 30, 30, 3), {"sigma": 0.0}, r"`sigma`.*positive.*=0\.0"),
  ],
)
def test_error_names_the_argument_and_what_was_received(shape, options, message):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    cxloss.gaussian_blur(np.zeros(shape, "float32"), **options)


def test_integers_are_refused():
  with pytest.raises(TypeError, match=r"`images`.*floats.*uint8"):
    cxloss.gaussian_blur(np.zeros((1, 32, 32, 3), "uint8"))
