"""Modules that are TensorFlow's alone are left out on other backends."""

from tests.cxloss.oracle import BACKEND

_TENSORFLOW = (
  *("test_magnitudes.py", "test_properties.py", "test_training.py"),
  "backend/test_tensorflow.py",
)
collect_ignore = [] if BACKEND == "tensorflow" else list(_TENSORFLOW)
