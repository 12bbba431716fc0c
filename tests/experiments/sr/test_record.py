import numpy as np

from experiments.common.upscaling import measure
from experiments.sr.record import Record


def test_record_has_a_row_for_each_method_and_notes_on_empty_cells(tmp_path):
  rng = np.random.default_rng(0)
  record = Record(measure.Measures(4, 0), tmp_path)
  methods = {
    "exact": lambda name, lr, hr: hr,
    "black": lambda name, lr, hr: np.zeros_like(hr),
  }
  for name, side in (("large", 200), ("small", 40)):
    hr = rng.integers(0, 256, (side, side, 3), np.uint8)
    record.measure("set", (name, hr[::4, ::4], hr), methods)
    lines = (tmp_path / "evaluation.csv").read_text().splitlines()
    assert len(lines) == 1 + len(record.rows)
    assert (tmp_path / "panels" / "set" / f"{name}.png").exists()
  assert lines[0].startswith("set,image,width,height,method,psnr_y,ssim_y,colour,lpips")
  assert lines[4].startswith("set,small,40,40,exact,inf,1,0,0,,,,")
  exact, black, _, small, *_ = record.measured()
  assert "width" not in exact and black["spectrum_db"] is not None
  assert exact["spectrum_db"] == exact["lpips"] == 0 and small["niqe"] is None
  assert black["lpips"] > 0.1
  notes = record.notes()
  assert any(
    note.startswith("spectrum_db, high_db of set: no value for 1 of 2 images, such as")
    for note in notes
  )
