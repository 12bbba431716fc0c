import numpy as np
import pytest

from cxloss.metrics import patches, spectrum
from experiments.common.upscaling import evaluation
from experiments.common.upscaling import measure as measures
from experiments.sr import scores


def _pair(height=200, width=210):
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (height, width, 3), np.uint8)
  return clean, np.clip(clean + rng.normal(0, 9, clean.shape), 0, 255).astype(np.uint8)


def test_values_are_those_of_the_single_measures():
  hr, picture = _pair()
  found, reasons = measures.Measures(4, 3, points=100).against(hr)(picture)
  expected = {
    **evaluation.measure(hr, picture, 4),
    **patches.compare(hr, picture, 100, 128, 3),
    "spectrum_db": spectrum.spectrum_distance(
      *(spectrum.log_power_spectrum(image) for image in (hr, picture))
    ),
  }
  assert {key: found[key] for key in expected} == expected
  assert list(found) == list(measures.DESCRIPTIONS)
  assert found["niqe"] > 0
  assert list(reasons) == ["lpips"] and "--lpips_weights" in reasons["lpips"]


@pytest.mark.parametrize(
  ("side", "missing"),
  [
    (16, {"ssim_y", "niqe", "spectrum_db", "high_db"}),
    (60, {"niqe", "spectrum_db", "high_db"}),
    (64, {"niqe"}),
    (196, {"niqe"}),
    (200, set()),
  ],
)
def test_small_images_lack_some_measures_and_say_why(side, missing):
  hr, picture = _pair(side, side + 4)
  found, reasons = measures.Measures(4, 0, lambda *_: 1.0).against(hr)(picture)
  assert set(reasons) == missing
  assert {key for key, value in found.items() if value is None} == missing
  assert all("must have sides of at least" in reason for reason in reasons.values())


def test_original_is_measured_by_itself_alone():
  found, _ = measures.Measures(4, 0).original(_pair()[0])
  assert [key for key, value in found.items() if value is not None] == ["niqe"]


def test_record_has_a_row_for_each_method_and_notes_on_empty_cells(tmp_path):
  record = scores.Record(measures.Measures(4, 0), tmp_path)
  methods = {
    "exact": lambda name, lr, hr: hr,
    "black": lambda name, lr, hr: np.zeros_like(hr),
  }
  for name, side in (("large", 200), ("small", 40)):
    hr = _pair(side, side)[0]
    record.measure("set", (name, hr[::4, ::4], hr), methods)
    lines = (tmp_path / "evaluation.csv").read_text().splitlines()
    assert len(lines) == 1 + len(record.rows)
    assert (tmp_path / "panels" / "set" / f"{name}.png").exists()
  assert lines[0].startswith("set,image,width,height,method,psnr_y,ssim_y,lpips,niqe")
  assert lines[4].startswith("set,small,40,40,exact,inf,1,,,,,")
  means = record.means("set")
  assert list(means) == ["exact", "black", "original"]
  # Over the images that have it.
  assert means["black"]["spectrum_db"] == record.rows[1]["spectrum_db"] is not None
  assert means["exact"]["spectrum_db"] == 0 and means["exact"]["lpips"] is None
  notes = record.notes()
  assert any(
    note.startswith("spectrum_db, high_db of set: no value for 1 of 2 images, such as")
    for note in notes
  )
  assert "lpips: not measured, needs --lpips_weights and --lpips_heads" in notes
