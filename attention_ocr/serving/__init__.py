"""A model server that speaks TF Serving's interface, gRPC and REST, and clients of it."""
