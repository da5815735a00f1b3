// Read image files with a SavedModel through TensorFlow's C API: read_saved_model MODEL IMAGE...
//
// The bytes of a file go into the graph as they are; all preprocessing is inside.
#include <tensorflow/c/c_api.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "printing.h"
#include "signature.h"

namespace {

template <auto Delete>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Delete(object);
  }
};
template <typename T, auto Delete>
using Owned = std::unique_ptr<T, Deleter<Delete>>;

using Status = Owned<TF_Status, TF_DeleteStatus>;

void check(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw std::runtime_error(TF_Message(status.get()));
}

void delete_tensor(TF_Tensor* tensor) {
  // Long strings lie outside of the tensor.
  if (TF_TensorType(tensor) == TF_STRING) {
    auto* strings = static_cast<TF_TString*>(TF_TensorData(tensor));
    for (std::int64_t index = 0; index < TF_TensorElementCount(tensor); ++index) {
      TF_StringDealloc(&strings[index]);
    }
  }
  TF_DeleteTensor(tensor);
}
using Tensor = Owned<TF_Tensor, delete_tensor>;

void delete_session(TF_Session* session) {
  const Status status(TF_NewStatus());
  TF_DeleteSession(session, status.get());
}
using Session = Owned<TF_Session, delete_session>;

Tensor to_tensor(const std::string& content) {
  const std::int64_t shape[] = {1};
  Tensor tensor(TF_AllocateTensor(TF_STRING, shape, 1, sizeof(TF_TString)));
  auto* string = static_cast<TF_TString*>(TF_TensorData(tensor.get()));
  TF_StringInit(string);
  TF_StringCopy(string, content.data(), content.size());
  return tensor;
}

std::string to_string(const Tensor& tensor) {
  const auto* string = static_cast<const TF_TString*>(TF_TensorData(tensor.get()));
  return {TF_StringGetDataPointer(string), TF_StringGetSize(string)};
}

class Model {
 public:
  explicit Model(const std::string& directory) {
    const Owned<TF_SessionOptions, TF_DeleteSessionOptions> options(TF_NewSessionOptions());
    const Owned<TF_Buffer, TF_DeleteBuffer> meta_graph(TF_NewBuffer());
    const char* const tags[] = {"serve"};
    session_.reset(TF_LoadSessionFromSavedModel(options.get(), nullptr, directory.c_str(), tags, 1,
                                                graph_.get(), meta_graph.get(), status_.get()));
    check(status_);
    const Signature signature =
        find_signature(meta_graph->data, meta_graph->length, "serving_default");
    images_ = place_of(signature.inputs, "images");
    const char* const names[kNumOutputs] = {"text", "confidence", "status"};
    for (int index = 0; index < kNumOutputs; ++index) {
      outputs_[index] = place_of(signature.outputs, names[index]);
    }
  }

  Reading read(const std::string& content) {
    const Tensor images = to_tensor(content);
    TF_Tensor* const inputs[] = {images.get()};
    TF_Tensor* found[kNumOutputs] = {};
    TF_SessionRun(session_.get(), nullptr, &images_, inputs, 1, outputs_, found, kNumOutputs,
                  nullptr, 0, nullptr, status_.get());
    check(status_);
    const Tensor text(found[0]), confidence(found[1]), status(found[2]);
    return {to_string(text), *static_cast<const float*>(TF_TensorData(confidence.get())),
            to_string(status)};
  }

 private:
  static constexpr int kNumOutputs = 3;

  // Find the tensor that a signature calls `name`.
  TF_Output place_of(const std::map<std::string, std::string>& names, const std::string& name) {
    const auto entry = names.find(name);
    if (entry == names.end()) throw std::runtime_error("serving_default lacks `" + name + "`");
    const auto colon = entry->second.rfind(':');
    TF_Operation* operation =
        TF_GraphOperationByName(graph_.get(), entry->second.substr(0, colon).c_str());
    if (operation == nullptr) throw std::runtime_error("the graph lacks " + entry->second);
    const int index = colon == std::string::npos ? 0 : std::stoi(entry->second.substr(colon + 1));
    return {operation, index};
  }

  Status status_{TF_NewStatus()};
  Owned<TF_Graph, TF_DeleteGraph> graph_{TF_NewGraph()};
  Session session_;
  TF_Output images_{};
  TF_Output outputs_[kNumOutputs]{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE...\n  MODEL: a version of an export, a SavedModel\n",
                 argv[0]);
    return 2;
  }
  try {
    Model model(argv[1]);
    return print_readings(argc - 2, argv + 2,
                          [&model](const std::string& content) { return model.read(content); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], error.what());
    return 2;
  }
}
