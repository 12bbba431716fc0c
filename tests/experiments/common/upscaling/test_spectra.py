import numpy as np

from experiments.common import results
from experiments.common.upscaling import spectra


def test_means_are_compared_with_the_originals(tmp_path):
  rng = np.random.default_rng(0)
  means, rows = spectra.MeanSpectra(window=32), []
  for i in range(2):
    original = rng.integers(0, 256, (40, 48, 3), np.uint8)
    # Of noise, a tenth of the amplitude is 20 dB less at every frequency.
    faint = np.round(128 + (original - 127.5) / 10).astype(np.uint8)
    for name, picture in (("faint", faint), ("same", original), ("original", original)):
      means.add(name, picture)
    rows += [{"image": str(i), "method": m, "ssim_y": i} for m in ("faint", "same")]
  faint, same = spectra.write(tmp_path, rows, means, 4)
  assert faint["method"] == "faint" and faint["ssim_y"] == 0.5
  np.testing.assert_allclose(faint["high_db"], -20, atol=0.3)
  np.testing.assert_allclose(faint["spectrum_db"], 20, atol=0.3)
  assert same["high_db"] == same["spectrum_db"] == 0
  content = results.read(tmp_path)
  assert content["rows"] == [faint, same]
  curves = content["curves"]["power_spectrum"]
  assert curves["x"][-1] == 0.5 and curves["y"]["same"] == curves["y"]["original"]
  assert (tmp_path / "power_spectrum.png").exists()


def test_figures_take_any_number_of_methods_and_leave_their_spectra_alone():
  rng = np.random.default_rng(0)
  for names in (["original"], ["a", "b", "c", "d", "e", "f", "original"]):
    maps = {name: rng.normal(0, 10, (32, 32)) for name in names}
    before = {name: values.copy() for name, values in maps.items()}
    assert spectra.draw(maps, 4).std() > 10
    for name in names:
      np.testing.assert_array_equal(maps[name], before[name])
