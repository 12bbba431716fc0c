import numpy as np
import pytest

from experiments.common.run import training
from experiments.twoafc import agreement, bapps, distances, generated_triplets, table
from experiments.twoafc import measure as agreement_run


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  folder = tmp_path_factory.mktemp("sanity")
  generated_triplets.write(folder, 3, seed=1)
  return folder


class _Brightness:
  """A measure that counts its calls and can be interrupted."""

  name = "brightness"
  remark = None
  labels = {"any": "Mean"}  # noqa: RUF012

  def __init__(self, stop_at=None):
    self.calls = 0
    self._stop_at = stop_at

  def __call__(self, images):
    self.calls += 1
    if self.calls == self._stop_at:
      raise KeyboardInterrupt
    reference, *pair = images.astype(float).mean(axis=(2, 3, 4))
    return {"Mean": np.abs(np.array(pair) - reference)}


def test_score_is_the_share_of_people_who_agree_and_ties_count_half():
  judges = [0.0, 1.0, 0.25, 0.8, 0.6]
  d0, d1 = [1, 1, 1, 2, 3], [2, 0, 2, 1, 3]
  expected = np.mean([1.0, 1.0, 0.75, 0.8, 0.5])
  assert agreement.score(judges, d0, d1) == pytest.approx(expected)
  swapped = agreement.score(1 - np.array(judges), d1, d0)
  assert swapped == pytest.approx(expected)
  with pytest.raises(ValueError, match="1 that are not"):
    agreement.score([0.5], [np.nan], [1.0])


def test_people_agree_with_themselves_as_two_draws_of_one_coin():
  judges = np.random.default_rng(0).uniform(0, 1, 50)
  draws = np.random.default_rng(1).uniform(size=(2, 20_000, 50)) < judges
  assert agreement.human(judges) == pytest.approx(
    np.mean(draws[0] == draws[1]), abs=0.01
  )


def test_averages_of_the_papers_table_are_plain_means_of_its_subsets():
  titles = list(table.COLUMNS)
  for row, values in table.PAPER.items():
    single = {
      table.COLUMNS[title][0]: value / 100
      for title, value in zip(titles, values, strict=True)
      if len(table.COLUMNS[title]) == 1
    }
    means = table.averages({row: single}, table.COLUMNS)[row]
    # Printed to a tenth, from numbers that were not yet rounded.
    np.testing.assert_allclose(list(means.values()), values, atol=0.11, err_msg=row)


def test_table_shows_ours_beside_the_paper_and_what_was_not_measured():
  layout = table.columns(["cnn"])
  means = table.averages({"Alex CX": {"cnn": 0.8312}}, layout)
  header, line = table.text(means).splitlines()
  assert header.split() == list(table.COLUMNS)
  assert line.split()[2:5] == ["-/71.4", "83.1/83.5", "-/77.4"]
  assert "Alex CX,CNN,83.12,83.5\n" in table.csv_text(means)


def test_triplets_are_read_as_the_files_hold_them(data_dir):
  [subset] = bapps.open_subsets(data_dir, ["jpeg"])
  batches = list(subset.batches(2))
  assert [batch.shape for batch in batches] == [(3, 2, 64, 64, 3), (3, 1, 64, 64, 3)]
  path = data_dir / "val" / "jpeg" / "p1" / "000002.png"
  np.testing.assert_array_equal(batches[1][2, 0], bapps.images.read_rgb(path))
  [late] = subset.batches(9, start=1)
  np.testing.assert_array_equal(late[:, 1:], batches[1])
  assert set(subset.judges) <= {0.0, 1.0}


def test_weak_distortions_are_closer_in_every_subset(data_dir):
  for subset in bapps.open_subsets(data_dir, list(generated_triplets.DISTORTIONS)):
    [batch] = subset.batches(3)
    d0, d1 = distances.LowLevel(["l2"])(batch)["L2"]
    assert agreement.score(subset.judges, d0, d1) == 1.0, subset.name


def _break(folder):
  """Six kinds of damage to a subset of eight."""
  generated_triplets.write(folder, 8, seed=0)
  subset = folder / "val" / "blur"
  files = {i: {k: subset / k / f"{i:06d}" for k in ("ref", "judge")} for i in range(8)}
  image = files[0]["ref"].with_suffix(".png")
  image.write_bytes(image.read_bytes()[:500])
  files[1]["ref"].with_suffix(".png").unlink()
  np.save(files[2]["judge"], np.zeros((2, 1)))
  np.save(files[3]["judge"], np.array([1.5]))
  files[4]["judge"].with_suffix(".npy").write_bytes(b"\x93NUMPY")
  odd = np.zeros((40, 64, 3), np.uint8)
  bapps.images.write_png(files[5]["ref"].with_suffix(".png"), odd)


def test_broken_triplets_are_named_and_left_out_on_request_only(tmp_path, caplog):
  _break(tmp_path)
  with pytest.raises(ValueError, match=r"6 broken.*--skip_bad.*blur/000000.*1 more"):
    bapps.open_subsets(tmp_path, ["blur"])
  [subset] = bapps.open_subsets(tmp_path, ["blur"], skip_bad=True)
  assert subset.names == ["000006", "000007"]
  reasons = ["000000", "000001", "one number", r"[0, 1]", "judgement", "64 x 40"]
  assert len(subset.bad) == 6
  for reason, line in zip(reasons, subset.bad, strict=True):
    assert reason in line and line in caplog.text


def test_missing_subsets_are_named(data_dir):
  with pytest.raises(ValueError, match=r"--data_dir.*lacks cnn, color"):
    bapps.open_subsets(data_dir, ["blur", "cnn", "color"])


def test_interrupted_measurement_goes_on_where_it_was(data_dir, tmp_path):
  subsets = bapps.open_subsets(data_dir, ["blur", "noise"])
  whole = agreement_run.measure(subsets, [_Brightness()], _folder(tmp_path, "a"), 1)
  folder = _folder(tmp_path, "b")
  with pytest.raises(training.StoppedError, match="triplet 1 of 3 of noise"):
    agreement_run.measure(subsets, [_Brightness(stop_at=5)], folder, 1)
  rest = _Brightness()
  resumed = agreement_run.measure(subsets, [rest], folder, 1)
  assert rest.calls == 2
  for name in ("blur", "noise"):
    np.testing.assert_array_equal(resumed[name]["Mean"], whole[name]["Mean"])
  with pytest.raises(ValueError, match="--output_dir has distances of other triplets"):
    agreement_run.measure(subsets[:1], [distances.LowLevel(["l2"])], folder, 1)


def _folder(parent, name):
  folder = parent / name
  folder.mkdir()
  return folder
