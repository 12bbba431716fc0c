import keras
import numpy as np
import pytest

import cxloss
from cxloss import lpips, weights_files
from tests.cxloss import malice

_KINDS = ("pkl", "pt", "pth", "npz", "npy", "h5", "weights.h5", "keras")


def _vgg(path):
  cxloss.VGGFeatures("block1_conv1", "vgg16", path)


def _alexnet(path):
  cxloss.AlexNetFeatures("conv1", path)


def test_malicious_files_of_these_tests_are_dangerous(tmp_path):
  assert malice.works(tmp_path)


@pytest.mark.parametrize("read", [_vgg, _alexnet])
@pytest.mark.parametrize("name", [f"w.{kind}" for kind in _KINDS])
def test_pickle_is_refused_whatever_its_name_and_never_run(read, name, tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_pickle(tmp_path / name, mark)
  with pytest.raises(
    ValueError, match=r"(?s)`weights`.*\.npz|`weights`.*by Keras"
  ) as e:
    read(path)
  assert name in str(e.value) and "\n" not in str(e.value)
  assert not mark.exists()


@pytest.mark.parametrize("read", [_vgg, _alexnet])
def test_pickle_within_an_npz_is_never_run(read, tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_object_array(tmp_path / "w.npz", mark)
  with pytest.raises(ValueError, match=r"`weights`.*without pickled objects.*w\.npz"):
    read(path)
  assert not mark.exists()


def test_heads_of_lpips_run_nothing(tmp_path):
  mark = tmp_path / "mark"
  for write in (malice.write_pickle, malice.write_object_array):
    path = write(tmp_path / "heads.npz", mark)
    with pytest.raises(ValueError, match=r"without pickled objects.*heads\.npz"):
      lpips.read_heads(path, ["conv1"])
  assert not mark.exists()


def test_lambda_layer_is_refused_and_never_run(tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_lambda(tmp_path / "w.keras", mark)
  with pytest.raises(ValueError, match=r"`weights`.*w\.keras.*Lambda"):
    _vgg(path)
  with pytest.raises(ValueError, match=r"without Lambda layers.*w\.keras"):
    weights_files.load_model(path)
  assert not mark.exists()


def test_keras_file_of_another_format_is_refused(tmp_path):
  model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
  model.save(tmp_path / "whole.h5")
  with pytest.raises(ValueError, match=r"ending in \.keras.*whole\.h5"):
    weights_files.load_model(tmp_path / "whole.h5")


@pytest.mark.parametrize("name", ["w.npz", "w.keras", "w.weights.h5"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_truncated_file_is_named_in_one_line(name, share, tmp_path):
  path = tmp_path / name
  if name == "w.npz":
    np.savez(path, kernel=np.zeros((3, 3, 3, 64), "float32"))
  else:
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(99)])
    (model.save if name == "w.keras" else model.save_weights)(path)
  whole = path.read_bytes()
  path.write_bytes(whole[: int(share * len(whole))])
  with pytest.raises(ValueError, match=rf"`weights`.*{name}") as raised:
    _vgg(path)
  assert "\n" not in str(raised.value)


def test_array_under_the_name_of_an_archive_is_refused(tmp_path):
  with (tmp_path / "w.npz").open("wb") as file:
    np.save(file, np.zeros(3))
  with pytest.raises(ValueError, match=r"\.npz.*w\.npz"):
    weights_files.read_npz(tmp_path / "w.npz")


def test_endless_reasons_are_shortened():
  text = weights_files.reason(ValueError("config={\n" + 1000 * "x, "))
  assert text.startswith("config={ x,") and text.endswith("...") and len(text) < 310
