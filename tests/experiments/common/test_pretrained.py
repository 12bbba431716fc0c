"""The networks that come with the project, and what they are trained on."""

import csv
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common import networks, tables
from experiments.common.data import sources
from experiments.common.upscaling import measure, upscalers
from experiments.common.upscaling.pairs import Pairs
from experiments.tools import artefacts
from tests.experiments import in_process

_ROOT = pathlib.Path(__file__).parents[3]
_LICENCES = {"CC0-1.0", "CC-BY-4.0", "research use"}


class _Middle:
  """The middle squares of photographs."""

  def __init__(self, source, side):
    self._source, self._side, self.names = source, side, source.names

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    image = self._source[index]
    top, left = ((length - self._side) // 2 for length in image.shape[:2])
    return image[top : top + self._side, left : left + self._side]


@pytest.fixture(scope="module", name="means")
def _means():
  """`{method: {measure: mean}}` on the middle of the held-out embedded photographs."""
  pairs = Pairs(_Middle(sources.load("samples", "validation"), 208), 4)
  cx = networks.path_of("pretrained-cx")
  own = {"corrected": upscalers.network(cx, 4, "--weights", back_projections=4)}
  names = [f"{name}={name}" for name in networks.GENERATORS]
  methods = upscalers.load(names, pairs, 4, own=own)
  measures, rows = measure.Measures(4, seed=0), []
  for name, lr, hr in pairs:
    against = measures.against(hr)
    for method, apply in methods.items():
      rows.append({"method": method, **against(apply(name, lr, hr))[0]})
  return {row["method"]: row for row in tables.means(rows)}


def test_network_of_squared_error_is_closer_to_the_original_than_interpolation(means):
  assert means["pretrained-mse"]["psnr_y"] > means["bicubic"]["psnr_y"] + 0.7
  assert means["pretrained-mse"]["ssim_y"] > means["bicubic"]["ssim_y"] + 0.02


@pytest.mark.parametrize("other", ["bicubic", "pretrained-mse"])
def test_network_of_the_contextual_loss_has_statistics_closer_to_the_originals(
  means, other
):
  ours = means["pretrained-cx"]
  for key in ("niqe", "spectrum_db", "kl_reference", "kl_image"):
    assert ours[key] < means[other][key], key
  assert abs(ours["high_db"]) < abs(means[other]["high_db"]) - 3


def test_back_projection_keeps_colours_and_brings_results_closer_by_all_measures(means):
  raw, corrected = means["pretrained-cx"], means["corrected"]
  assert corrected["colour"] < 2 * means["bicubic"]["colour"] < raw["colour"]
  assert corrected["psnr_y"] > raw["psnr_y"] and corrected["ssim_y"] > raw["ssim_y"]
  assert corrected["lpips"] < raw["lpips"]
  assert corrected["sliced_wasserstein"] < raw["sliced_wasserstein"]


@pytest.mark.parametrize("name", list(networks.GENERATORS))
def test_half_of_the_flat_colours_come_back_within_3_levels_by_back_projection(name):
  path = networks.path_of(name)
  network = upscalers.network(path, 4, "--weights", back_projections=4)
  assert np.median(artefacts.flat_errors(network, 4)) <= 3


@pytest.mark.parametrize("name", list(networks.GENERATORS))
def test_file_holds_a_plain_generator_and_nothing_of_its_training(name):
  path = networks.path_of(name)
  assert path.stat().st_size < 7e6
  network = keras.models.load_model(path)
  assert not network.compiled and network.count_params() == 1_522_371


def test_command_finds_them_by_their_names(tmp_path):
  small = np.full((6, 9, 3), 128, np.uint8)
  Image.fromarray(small).save(tmp_path / "small.png")
  in_process.succeed(
    *("sr", "--mode=upscale", "--weights=pretrained-cx"),
    *(f"--input={tmp_path / 'small.png'}", f"--output={tmp_path / 'large.png'}"),
  )
  with Image.open(tmp_path / "large.png") as large:
    assert large.size == (36, 24)


def test_misspelt_name_is_answered_with_the_right_ones():
  with pytest.raises(ValueError, match="--weights must be pretrained-mse or"):
    networks.path_of("pretrained-xc")


def test_manifest_names_licence_and_content_of_every_picture():
  with open(_ROOT / "models/pretrained/manifest.csv", newline="") as file:
    rows = list(csv.DictReader(file))
  assert {row["licence"] for row in rows} == _LICENCES
  assert all(row["author"] and row["source"] for row in rows)
  assert len({row["file"] for row in rows}) == len(rows)
  # No picture is both trained on and held out.
  assert len({row["sha256"] for row in rows}) == len(rows)
  assert sum(row["folder"] == "held_out" for row in rows) == 20
