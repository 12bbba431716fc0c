import numpy as np
import pytest

from experiments.common.upscaling import measure


def _pair(height=200, width=210):
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (height, width, 3), np.uint8)
  return clean, np.clip(clean + rng.normal(0, 9, clean.shape), 0, 255).astype(np.uint8)


def test_values_of_known_errors_are_those_of_closed_forms():
  hr = np.random.default_rng(0).integers(8, 248, (200, 210, 3), np.uint8)
  brighter = hr + np.uint8(5)
  found, reasons = measure.Measures(4).against(hr)(brighter)
  assert not reasons and tuple(found) == measure.KEYS
  # Y rises by 219 / 255 of what all three channels do (ITU-R BT.601).
  np.testing.assert_allclose(
    found["psnr_y"], 20 * np.log10(255 / (5 * 219 / 255)), rtol=1e-5
  )
  assert found["colour"] == 5
  # A constant has no frequencies.
  np.testing.assert_allclose([found["spectrum_db"], found["high_db"]], 0, atol=1e-6)
  # In random directions, patches move by 5 |n|, of mean sqrt(2 / pi) for normal n.
  expected = 5 * np.sqrt(2 / np.pi)
  np.testing.assert_allclose(found["sliced_wasserstein"], expected, rtol=0.05)
  assert 0 < found["lpips"] < 0.05 and found["niqe"] > 0


@pytest.mark.parametrize(
  ("side", "missing"),
  [
    (8, {"psnr_y", "ssim_y", "colour", "lpips", "niqe", "spectrum_db", "high_db"}),
    (16, {"ssim_y", "lpips", "niqe", "spectrum_db", "high_db"}),
    (60, {"niqe", "spectrum_db", "high_db"}),
    (196, {"niqe"}),
    (200, set()),
  ],
)
def test_small_images_lack_some_measures_and_say_why(side, missing):
  hr, picture = _pair(side, side + 4)
  measures = measure.Measures(4, lpips=lambda *_: [1.0])
  found, reasons = measures.against(hr)(picture)
  assert set(reasons) == missing
  assert {key for key, value in found.items() if value is None} == missing
  assert all("must have sides of at least" in reason for reason in reasons.values())


def test_colour_sees_shifts_of_blocks_and_no_details():
  hr = np.full((37, 50, 3), 100, np.uint8)
  picture = hr.copy()
  picture[::2] += 8
  picture[1::2] -= 8
  assert measure.colour(hr, picture) == 0
  picture[:16, :16, 0] += 12
  # One channel of one of the 2 x 3 whole blocks.
  np.testing.assert_allclose(measure.colour(hr, picture), 12 / 18)


def test_original_is_measured_by_itself_alone():
  found, _ = measure.Measures(4, lpips=lambda *_: [1.0]).original(_pair()[0])
  assert [key for key, value in found.items() if value is not None] == ["niqe"]


def test_mistakes_of_the_program_are_not_taken_for_missing_measures():
  def broken(*_):
    raise ValueError("broken")

  with pytest.raises(ValueError, match="broken"):
    measure.Measures(4, lpips=broken).against(_pair()[0])(_pair()[1])
