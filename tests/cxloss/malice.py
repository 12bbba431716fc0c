"""Files that would run a program if they were read carelessly."""

import pathlib
import pickle

import keras
import numpy as np


class _Program:
  def __init__(self, mark):
    self._mark = mark

  def __reduce__(self):
    return pathlib.Path.touch, (self._mark,)


def write_pickle(path, mark):
  """A pickle that creates the file `mark` when it is read."""
  path.write_bytes(pickle.dumps(_Program(mark)))
  return path


def write_object_array(path, mark, name="block1_conv1/kernel"):
  """An `.npz` file with such a pickle in it."""
  with path.open("wb") as file:
    np.savez(file, **{name: np.array([_Program(mark)], object)})
  return path


def write_lambda(path, mark):
  """A `.keras` file whose Lambda layer does the same when it is called."""
  image = keras.Input((None, None, 3))
  scope = {"mark": str(mark)}
  code = f"lambda x: (open({scope['mark']!r}, 'w').close(), x)[1]"
  x = keras.layers.Lambda(eval(code), output_shape=(None, None, 3))(image)
  keras.Model(image, keras.layers.UpSampling2D(4)(x)).save(path)
  mark.unlink(missing_ok=True)
  return path


def works(tmp_path):
  """Whether these files do what they say, lest a test pass for nothing."""
  mark = tmp_path / "works"
  pickle.loads(write_pickle(tmp_path / "works.pkl", mark).read_bytes())
  ran = [mark.exists()]
  mark.unlink(missing_ok=True)
  path = write_object_array(tmp_path / "works.npz", mark, "a")
  np.load(path, allow_pickle=True)["a"]
  ran.append(mark.exists())
  mark.unlink(missing_ok=True)
  path = write_lambda(tmp_path / "works.keras", mark)
  keras.models.load_model(path, safe_mode=False)(np.zeros((1, 4, 4, 3), "float32"))
  ran.append(mark.exists())
  return all(ran)
