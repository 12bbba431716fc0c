import numpy as np
import pytest

from experiments.twoafc import bapps, distances, generated_triplets, measure


def test_triplets_are_read_as_the_files_hold_them(data_dir):
  [subset] = bapps.open_subsets(data_dir, ["jpeg"])
  batches = list(subset.batches(2))
  assert [batch.shape for batch in batches] == [(3, 2, 64, 64, 3), (3, 1, 64, 64, 3)]
  path = data_dir / "val" / "jpeg" / "p1" / "000002.png"
  np.testing.assert_array_equal(batches[1][2, 0], bapps.images.read_rgb(path))
  [late] = subset.batches(9, start=1)
  np.testing.assert_array_equal(late[:, 1:], batches[1])
  assert set(subset.judges) <= {0.0, 1.0}


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


def test_weak_distortions_are_closer_in_every_subset(data_dir):
  for subset in bapps.open_subsets(data_dir, list(generated_triplets.DISTORTIONS)):
    [batch] = subset.batches(3)
    d0, d1 = distances.LowLevel(["l2"])(batch)["L2"]
    assert measure.score(subset.judges, d0, d1) == 1.0, subset.name
