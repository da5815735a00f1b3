// Which tensors of a SavedModel's graph a signature names.
#pragma once

#include <cstddef>
#include <map>
#include <string>

// Names of tensors ("StatefulPartitionedCall:3") by the names that the signature gives them.
struct Signature {
  std::map<std::string, std::string> inputs;
  std::map<std::string, std::string> outputs;
};

// Find a signature in a serialised `tensorflow.MetaGraphDef`, as TF_LoadSessionFromSavedModel
// returns it. The C API has no call for this, and libprotobuf would be one more library that has to
// match TensorFlow's: the five fields on the way are read off the wire format instead.
//
// Throws std::runtime_error: the bytes are damaged, or hold no such signature.
Signature find_signature(const void* meta_graph, std::size_t num_bytes, const std::string& name);
