import numpy as np
import pytest

from experiments.common.data import div2k, images
from experiments.sr import evaluation_sets
from tests.experiments.common.upscaling.photographs import Photographs


@pytest.fixture(name="photos")
def _photos(tmp_path):
  for folder, names in (("one", ("0001", "0002", "0010")), ("two", ("0001", "b,c"))):
    for i, name in enumerate(names):
      picture = np.full((40, 34, 3), i, np.uint8)
      images.write_png(tmp_path / folder / f"{name}.png", picture)
  return tmp_path


def test_sets_are_listed_by_commas(photos):
  found = evaluation_sets.load(f"{photos / 'one'},samples,textures,{photos / 'two'}", 4)
  assert list(found) == ["one", "samples", "textures", "two"]
  source, pairs = found["one"]
  assert source == str(photos / "one")
  name, lr, hr = pairs[2]
  assert (name, lr.shape, hr.shape) == ("0010", (10, 8, 3), (40, 32, 3))
  assert found["samples"][1].names == ["chelsea", "coffee"]
  assert found["textures"][1].names == ["brick", "grass", "gravel"]


def test_commas_in_paths_and_equal_names_of_folders_do_no_harm(photos):
  found = evaluation_sets.load(str(photos / "two" / "b,c.png"), 4)
  assert list(found) == ["b,c"]
  found = evaluation_sets.load(f"{photos}/one,{photos}/one/*2.png", 4)
  assert {name: pairs.names for name, (_, pairs) in found.items()} == {
    "one": ["0001", "0002", "0010"],
    "one-2": ["0002"],
  }


def test_images_are_chosen_by_name_and_number(photos):
  def names(*args):
    return evaluation_sets.load(str(photos / "one"), 4, *args)["one"][1].names

  assert names(["0010", "0001"]) == ["0001", "0010"]
  assert names(["000?"]) == ["0001", "0002"]
  assert names(["*"], 1) == ["0001"]
  with pytest.raises(ValueError, match=r"--images: .*one holds no image '0003'"):
    names(["0001", "0003"])


@pytest.mark.parametrize(
  ("names", "split"),
  [(None, "validation"), (["0801"], "validation"), (["0001", "000?"], "train")],
)
def test_div2k_is_opened_where_the_images_are(monkeypatch, names, split):
  def open_stub(split):
    first = {"train": 1, "validation": 801}[split]
    stub = Photographs([np.full((16, 16, 3), first % 2, np.uint8)] * 10)
    stub.names = [f"{first + i:04d}" for i in range(10)]
    opened.append(split)
    return stub

  opened = []
  monkeypatch.setattr(div2k, "Div2k", open_stub)
  ((_, pairs),) = evaluation_sets.load("div2k", 4, names).values()
  assert opened == [split]
  assert len(pairs) == {None: 10, "0801": 1, "0001": 9}[names and names[0]]


def test_two_images_of_one_name_are_refused(photos):
  images.write_png(photos / "one" / "0001.jpg", np.zeros((40, 40, 3), np.uint8))
  with pytest.raises(ValueError, match="Received: several named 0001"):
    evaluation_sets.load(str(photos / "one"), 4)
