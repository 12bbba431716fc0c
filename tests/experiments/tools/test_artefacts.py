import numpy as np
import pytest

from experiments.tools import artefacts
from tests.experiments import in_process


def test_grid_of_a_constant_pattern_is_its_power_over_the_noise():
  height = width = 1040
  signs = np.indices((height, width)).sum(axis=0) % 2 * 2.0 - 1
  noise = np.random.default_rng(2).normal(0, 10, (height, width))
  grey = np.clip(np.round(128 + noise + 4 * signs), 0, 255).astype(np.uint8)
  found = artefacts.grid_db(np.repeat(grey[..., None], 3, axis=2), 2)
  # One of the frequencies (1/2, 0), (0, 1/2), (1/2, 1/2) holds 16 (sum w)^2, beside the
  # noise's 100 sum w^2.
  window = np.outer(np.hanning(64), np.hanning(64))
  power = 1 + 16 * window.sum() ** 2 / (100 * (window**2).sum())
  assert found == pytest.approx(10 * np.log10(power) / 3, abs=0.3)


def test_flat_error_of_each_colour_is_the_largest_of_any_pixel():
  def enlarge(name, lr, hr):
    del name, hr
    picture = lr.repeat(4, axis=0).repeat(4, axis=1).astype(int)
    picture[0, -1] += np.where(picture[0, -1] > 128, -7, 7)
    return picture.astype(np.uint8)

  assert artefacts.flat_errors(enlarge, 4) == [7.0] * len(artefacts.COLOURS)


def test_command_measures_originals_interpolation_and_networks():
  out, _ = in_process.succeed("tools.artefacts", "--method=mse=pretrained-mse")
  rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
  assert float(rows["bicubic"][1]) == 0
  assert abs(float(rows["original"][0])) < 3
  assert 5 < float(rows["mse"][1]) < 60
