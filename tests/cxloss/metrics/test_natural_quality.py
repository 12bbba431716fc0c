"""NIQE against values of basicsr 1.4.2, an independent implementation that agrees with
the authors' MATLAB code; its shapes are rounded to a grid of 0.001."""

import io

import numpy as np
import pytest
import scipy.ndimage
import skimage.data
from PIL import Image

from cxloss.metrics import NIQE, natural_quality

# Means over the patches of basicsr's features, in our order.
_FEATURES = {
  "astronaut": """
    1.9387  0.5922  0.6556  0.0181  0.0593  0.0682  0.6421  0.0240  0.0562
    0.0663  0.6581 -0.0113  0.0661  0.0622  0.6568 -0.0111  0.0675  0.0616
    2.4052  0.6226  0.7146  0.0531  0.0650  0.0981  0.7110  0.0682  0.0627
    0.1046  0.7280  0.0113  0.0812  0.0910  0.7212 -0.0003  0.0862  0.0845""",
  "coffee": """
    2.1401  0.7313  0.7174  0.0388  0.1049  0.1307  0.7154 -0.0007  0.1239
    0.1127  0.7103 -0.0586  0.1403  0.0893  0.6800  0.0875  0.0713  0.1377
    1.9855  0.6749  0.6618  0.0428  0.0909  0.1119  0.6661  0.0113  0.1033
    0.0991  0.6328 -0.0409  0.1066  0.0776  0.6407  0.0690  0.0658  0.1156""",
  "chelsea": """
    2.0618  0.7065  0.6837  0.0797  0.0809  0.1136  0.7099  0.0388  0.0928
    0.1153  0.6983 -0.0232  0.1114  0.0929  0.6813  0.0097  0.0956  0.0964
    2.1870  0.7565  0.7443  0.0895  0.0891  0.1367  0.7425  0.0486  0.0963
    0.1284  0.7273 -0.0079  0.1115  0.1061  0.7373  0.0020  0.1106  0.1093""",
}


def _photo(name):
  return getattr(skimage.data, name)()


def _niqe(image, pristine=None):
  return float(NIQE((0, 255), pristine)(image[None])[0])


def _blur(image):
  return scipy.ndimage.gaussian_filter(image, (1.5, 1.5, 0))


def _noise(image):
  noise = np.random.default_rng(0).normal(0, 15, image.shape)
  return np.uint8(np.clip(np.round(image + noise), 0, 255))


def _jpeg(image):
  file = io.BytesIO()
  Image.fromarray(image).save(file, "JPEG", quality=10)
  return np.asarray(Image.open(file))


def _bicubic(image):
  height, width = image.shape[:2]
  small = Image.fromarray(image).resize((width // 4, height // 4), Image.BICUBIC)
  return np.asarray(small.resize((width, height), Image.BICUBIC))


@pytest.mark.parametrize("name", list(_FEATURES))
def test_features_are_those_of_basicsr(name):
  found = natural_quality.features(_photo(name)).mean(axis=0)
  np.testing.assert_allclose(found, np.array(_FEATURES[name].split(), float), atol=4e-4)


def test_distance_is_that_of_basicsr():
  others = [
    natural_quality.features(_photo(name)) for name in ("astronaut", "coffee", "rocket")
  ]
  pristine = natural_quality.statistics(np.concatenate(others))
  # Statistics of 73 patches magnify the coarse grid of basicsr's shapes.
  score = _niqe(_photo("chelsea"), pristine)
  assert score == pytest.approx(5.4596, rel=0.01)


@pytest.mark.parametrize("distort", [_blur, _noise, _jpeg, _bicubic])
def test_distortions_raise_the_score_and_mirroring_does_not(distort):
  # Whole patches, so that the same pixels count.
  image = _photo("chelsea")[:288, :384]
  score = _niqe(image)
  assert _niqe(distort(image)) > score + 1
  assert _niqe(image[:, ::-1]) == pytest.approx(score, rel=0.05)


def test_distance_has_its_closed_form():
  a = natural_quality.Statistics(np.zeros(2), np.diag([1.0, 5.0]))
  b = natural_quality.Statistics(np.array([6.0, 8.0]), np.diag([7.0, 3.0]))
  assert natural_quality.distance(a, b) == pytest.approx(5.0)  # sqrt(36 / 4 + 64 / 4)
  assert natural_quality.distance(a, a) == 0


def test_half_size_is_bicubic_with_mirrored_borders():
  y = np.random.default_rng(0).uniform(0, 255, (96, 192))
  padded = np.pad(y, 16, mode="symmetric").astype(np.float32)
  size = padded.shape[1] // 2, padded.shape[0] // 2
  expected = np.asarray(Image.fromarray(padded).resize(size, Image.BICUBIC))[8:-8, 8:-8]
  np.testing.assert_allclose(natural_quality._halve(y), expected, atol=1e-3)


def test_flat_patches_are_left_out():
  image = _photo("chelsea")[:192, :384]
  # 255 has a Y that rounding errors of the mean would make nonzero.
  padded = np.pad(image, ((0, 0), (0, 192), (0, 0)), constant_values=255)
  found = natural_quality.features(padded)
  assert len(found) == len(natural_quality.features(image)) == 8
  with pytest.raises(ValueError, match=r"2 or more patches .* not flat. Received: 0"):
    _niqe(np.full((192, 192, 3), 77, np.uint8))


def test_only_sharp_patches_count_when_asked():
  image = np.tile(_photo("astronaut")[96:192, 96:192], (2, 4, 1))
  image[:, 192:] = image[:, 192:] // 4 + 90  # half of the contrast squared
  assert len(natural_quality.features(image)) == 8
  sharp = natural_quality.features(image, only_sharp=True)
  np.testing.assert_array_equal(sharp, natural_quality.features(image)[[0, 1, 4, 5]])


def test_shipped_file_says_what_it_was_fitted_on():
  with np.load(natural_quality.PRISTINE, allow_pickle=False) as file:
    assert "BSDS500" in str(file["description"])
    assert (int(file["photographs"]), int(file["patches"])) == (400, 1730)
  covariance = natural_quality.shipped().covariance
  np.testing.assert_array_equal(covariance, covariance.T)
  assert np.linalg.eigvalsh(covariance).min() > 0
  assert _niqe(_photo("chelsea")) == pytest.approx(2.9326, abs=1e-3)


@pytest.mark.parametrize(
  ("arrays", "message"),
  [
    ({"mean": np.zeros(36)}, r"not a file of NIQE's statistics.*a.npz"),
    ({"mean": np.array([None])}, r"not a file of NIQE's statistics.*a.npz"),
    (
      {"mean": np.zeros(36), "covariance": np.zeros((18, 18))},
      "36 features. Received: .*18, 18",
    ),
  ],
)
def test_other_files_are_refused(arrays, message, tmp_path):
  np.savez(tmp_path / "a.npz", **arrays)
  with pytest.raises(ValueError, match=message):
    natural_quality.read(tmp_path / "a.npz")
