"""Engines that run a model in one of its formats: TensorFlow (optional), LiteRT, ONNX Runtime."""
