"""The parts of the library that are TensorFlow's own: graphs, unknown shapes."""
