"""What the builders of TensorFlow Datasets in `datasets/` share."""
