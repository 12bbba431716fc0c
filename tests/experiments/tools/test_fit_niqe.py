import numpy as np
import pytest
import skimage.data

from cxloss.metrics import natural_quality
from experiments.common.data import images, samples
from experiments.common.run.errors import UserError
from experiments.tools import fit_niqe
from tests.experiments import in_process


def test_statistics_of_the_sharp_patches_are_written(tmp_path):
  names = ("astronaut", "chelsea", "coffee", "grass", "gravel")
  photos = [samples.photograph(name) for name in names]
  for i, photo in enumerate(photos):
    images.write_png(tmp_path / "photos" / f"{i}.png", photo)
  output = tmp_path / "new" / "pristine.npz"
  out, _ = in_process.succeed(
    "tools.fit_niqe",
    f"--data={tmp_path / 'photos'}",
    f"--output={output}",
    "--description=of scikit-image",
  )
  sharp = np.concatenate(
    [natural_quality.features(photo, only_sharp=True) for photo in photos]
  )
  expected, fitted = natural_quality.statistics(sharp), natural_quality.read(output)
  np.testing.assert_allclose(fitted.mean, expected.mean)
  np.testing.assert_allclose(fitted.covariance, expected.covariance)
  assert f"{len(sharp)} patches of 5 photographs" in out
  with np.load(output, allow_pickle=False) as file:
    assert str(file["description"]) == "of scikit-image"
    assert int(file["photographs"]) == 5 and int(file["patches"]) == len(sharp)
  assert [path.name for path in output.parent.iterdir()] == ["pristine.npz"]


def test_photographs_are_reduced_and_too_few_patches_refused(tmp_path):
  output = tmp_path / "a.npz"
  coffee = skimage.data.coffee().reshape(200, 2, 300, 2, 3).mean(axis=(1, 3))
  sharp = natural_quality.features(np.uint8(coffee + 0.5), only_sharp=True)
  message = (
    "--data must have more sharp patches than the 36 features. "
    f"Received: {len(sharp)} in 1 photographs"
  )
  with pytest.raises(UserError, match=message):
    fit_niqe.fit([skimage.data.coffee()], 2, "coffee", output)
  assert not output.exists()
