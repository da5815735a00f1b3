"""A model server with TF Serving's interface, gRPC and REST, and clients of it."""
