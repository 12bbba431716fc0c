"""Packages the library `cxloss`; the experiments run from the checkout."""

import pathlib
import re

import setuptools

_ROOT = pathlib.Path(__file__).parent
_VERSION = re.search(
  r'__version__ = "(.+)"', (_ROOT / "cxloss" / "version.py").read_text()
).group(1)

_EXPERIMENTS = [
  "absl-py>=2.0",
  "importlib_resources",  # which tensorflow-datasets needs for div2k but omits
  "jinja2>=3.1",
  "markdown>=3.4",
  "matplotlib>=3.8",
  "pillow>=10.1",
  "scikit-image>=0.22",
  "scipy>=1.11",
  "tensorboard>=2.18",
  "tensorflow-datasets>=4.9.4",
  "tqdm>=4.66",
]

setuptools.setup(
  name="cxloss",
  version=_VERSION,
  description="The contextual loss for TensorFlow 2 and Keras 3",
  long_description=(_ROOT / "README.md").read_text(),
  long_description_content_type="text/markdown",
  license="MIT",
  python_requires=">=3.10",
  packages=["cxloss", "cxloss.metrics"],
  package_data={"cxloss": ["weights/*"], "cxloss.metrics": ["niqe.npz"]},
  install_requires=["tensorflow>=2.18", "keras>=3.14", "numpy>=1.26"],
  extras_require={
    "experiments": _EXPERIMENTS,
    "test": [
      *_EXPERIMENTS,
      "html5lib>=1.1",
      "hypothesis>=6.100",
      "pytest>=8.0",
      "pytest-xdist>=3.5",
      "ruff==0.17.6",
      "selenium>=4.20",
    ],
  },
)
