import numpy as np
import pytest

from cxloss import metrics
from cxloss.metrics import patches, spectrum
from experiments.common import tables
from experiments.common.upscaling import measure


def _pair(height=200, width=210):
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (height, width, 3), np.uint8)
  return clean, np.clip(clean + rng.normal(0, 9, clean.shape), 0, 255).astype(np.uint8)


def test_values_are_those_of_the_single_measures():
  hr, picture = _pair()
  found, reasons = measure.Measures(4, 3, points=100).against(hr)(picture)
  expected = {
    **measure.fidelity(hr, picture, 4),
    **patches.compare(hr, picture, 100, 128, 3),
    "spectrum_db": spectrum.spectrum_distance(
      *(spectrum.log_power_spectrum(image) for image in (hr, picture))
    ),
  }
  assert {key: found[key] for key in expected} == expected
  assert tuple(found) == measure.KEYS
  assert found["niqe"] > 0
  assert found["lpips"] == metrics.LPIPS((0, 255))(hr[None], picture[None])[0]
  assert not reasons


@pytest.mark.parametrize(
  ("side", "missing"),
  [
    (8, {"psnr_y", "ssim_y", "colour", "lpips", "niqe", "spectrum_db", "high_db"}),
    (16, {"ssim_y", "lpips", "niqe", "spectrum_db", "high_db"}),
    (60, {"niqe", "spectrum_db", "high_db"}),
    (64, {"niqe"}),
    (196, {"niqe"}),
    (200, set()),
  ],
)
def test_small_images_lack_some_measures_and_say_why(side, missing):
  hr, picture = _pair(side, side + 4)
  found, reasons = measure.Measures(4, 0, lambda *_: [1.0]).against(hr)(picture)
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
  found, _ = measure.Measures(4, 0).original(_pair()[0])
  assert [key for key, value in found.items() if value is not None] == ["niqe"]


def test_tables_explain_every_measure():
  assert [key for key in tables.MEASURES if key in measure.KEYS] == list(measure.KEYS)


def test_flat_pictures_have_no_niqe():
  flat = np.full((200, 200, 3), 9, np.uint8)
  with pytest.raises(measure.NotMeasuredError, match="not flat"):
    measure.naturalness(flat, 4)


def test_mistakes_of_the_program_are_not_taken_for_missing_measures():
  def broken(*_):
    raise ValueError("broken")

  with pytest.raises(ValueError, match="broken"):
    measure.Measures(4, 0, broken).against(_pair()[0])(_pair()[1])


def test_measures_of_an_exact_result_are_perfect():
  image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
  row = measure.pictures(image, image, 4, 300, 8, 0)
  assert row["ssim_y"] == pytest.approx(1)
  assert np.isinf(row["psnr_y"])
  assert row["sliced_wasserstein"] == 0
