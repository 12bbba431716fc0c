import numpy as np
import pytest
import scipy.ndimage

from cxloss.metrics import spectrum

# Y of a grey level: BT.601's 16..235.
_GAIN = 219 / 255


def _noise(sigma, shape=(512, 512), seed=0):
  grey = 128 + np.random.default_rng(seed).normal(0, sigma, shape)
  return np.repeat(grey[:, :, None], 3, axis=2)


def _blurred(image, sigma):
  return scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=6)


def test_white_noise_is_flat_at_its_variance():
  frequencies, values = spectrum.radial_average(
    spectrum.log_power_spectrum(_noise(20.0))
  )
  # The first ring's leakage and the removed mean keep it from being exact.
  expected = 20 * np.log10(20.0 * _GAIN)
  np.testing.assert_allclose(values[1:], expected, atol=0.3)
  np.testing.assert_allclose(frequencies[[0, -1]], [1 / 64, 0.5])


def test_gaussian_blur_lowers_each_frequency_by_its_known_factor():
  image = _noise(50.0)
  sigma = 1.0
  before, after = (
    spectrum.log_power_spectrum(picture) for picture in (image, _blurred(image, sigma))
  )
  f, lost = spectrum.radial_average(after - before)
  expected = 10 * np.log10(np.exp(-((2 * np.pi * f * sigma) ** 2)))
  used = f < 0.35  # beyond it, the floor
  np.testing.assert_allclose(lost[used], expected[used], atol=0.4)


def test_average_radius_of_each_ring_lies_within_its_width():
  radius = np.hypot(*np.mgrid[-32:32, -32:32]) / 64
  short, values = spectrum.radial_average(radius)
  np.testing.assert_allclose(values, short, atol=0.5 / 64)
  long, values = spectrum.radial_average(radius, corners=True)
  np.testing.assert_allclose(values, long, atol=0.5 / 64)
  np.testing.assert_array_equal(long[: len(short)], short)
  assert (len(short), len(long)) == (32, 45)


def test_taper_suppresses_the_cross_of_the_borders():
  ramp = np.repeat(np.linspace(0, 255, 128)[None, :, None], 128, axis=0)
  result = spectrum.log_power_spectrum(np.repeat(ramp, 3, axis=2))
  untapered = np.abs(np.fft.fft2(_GAIN * ramp[:64, :64, 0])) ** 2 / 64**2
  # The jump between opposite borders has all frequencies along the axis.
  assert 10 * np.log10(untapered[0, 20]) > 15
  assert result[32, 32 + 20] < -5


def test_windows_reach_every_border():
  for corner in ((12, 12), (12, -12), (-12, 12), (-12, -12)):
    image = np.full((75, 90, 3), 128.0)
    image[corner] = 255
    assert np.median(spectrum.log_power_spectrum(image)) > -10


def test_distance_and_excess_have_their_closed_forms():
  image = _noise(20.0)
  reference = spectrum.log_power_spectrum(image)
  assert spectrum.spectrum_distance(reference, reference) == 0
  doubled = spectrum.log_power_spectrum(128 + 2 * (image - 128))
  six = 20 * np.log10(2)
  assert spectrum.spectrum_distance(reference, doubled) == pytest.approx(six, abs=0.01)
  excess = spectrum.high_frequency_excess(reference, doubled, 4)
  assert excess == pytest.approx(six, abs=0.01)
  blurred = spectrum.log_power_spectrum(_blurred(image, 1.0))
  assert spectrum.high_frequency_excess(reference, blurred, 4) < -10


@pytest.mark.parametrize(
  ("window", "message"),
  [(64, r"sides of at least 64.*\(40, 80, 3\)"), (31, "even.*31")],
)
def test_small_images_and_odd_windows_are_refused(window, message):
  with pytest.raises(ValueError, match=message):
    spectrum.log_power_spectrum(np.zeros((40, 80, 3)), window)
