"""Generated triplets that several tests read."""

import pytest

from experiments.twoafc import generated_triplets


@pytest.fixture(name="data_dir", scope="package")
def _data_dir(tmp_path_factory):
  """Folder with three triplets of each distortion."""
  folder = tmp_path_factory.mktemp("generated")
  generated_triplets.write(folder, 3, seed=1)
  return folder
