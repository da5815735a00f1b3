#include "signature.h"

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace {

// Numbers of the fields in TensorFlow's meta_graph.proto, which protobuf never changes.
constexpr std::uint64_t kSignatureDef = 5;           // MetaGraphDef.signature_def
constexpr std::uint64_t kInputs = 1, kOutputs = 2;   // SignatureDef
constexpr std::uint64_t kTensorName = 1;             // TensorInfo.name
constexpr std::uint64_t kKey = 1, kValue = 2;        // of an entry of any map
constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

// One field of a message after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // Go to the next field; `bytes()` is empty for a number.
  bool next() {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    number_ = tag >> 3;
    bytes_ = {};
    switch (tag & 7) {
      case kVarint: varint(); break;
      case kFixed64: take(8); break;
      case kFixed32: take(4); break;
      case kBytes: bytes_ = take(varint()); break;
      default: throw std::runtime_error("the SavedModel's graph is damaged");
    }
    return true;
  }

  std::uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view take(std::uint64_t num_bytes) {
    if (num_bytes > rest_.size()) throw std::runtime_error("the SavedModel's graph is cut short");
    const std::string_view taken = rest_.substr(0, num_bytes);
    rest_.remove_prefix(num_bytes);
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("the SavedModel's graph is damaged");
  }

  std::string_view rest_;
  std::string_view bytes_;
  std::uint64_t number_ = 0;
};

std::string_view field(std::string_view message, std::uint64_t number) {
  std::string_view found;
  for (Fields fields(message); fields.next();) {
    if (fields.number() == number) found = fields.bytes();
  }
  return found;
}

}  // namespace

Signature find_signature(const void* meta_graph, std::size_t num_bytes, const std::string& name) {
  const std::string_view message(static_cast<const char*>(meta_graph), num_bytes);
  for (Fields entries(message); entries.next();) {
    if (entries.number() != kSignatureDef || field(entries.bytes(), kKey) != name) continue;
    Signature signature;
    for (Fields tensors(field(entries.bytes(), kValue)); tensors.next();) {
      if (tensors.number() != kInputs && tensors.number() != kOutputs) continue;
      auto& names = tensors.number() == kInputs ? signature.inputs : signature.outputs;
      names[std::string(field(tensors.bytes(), kKey))] =
          field(field(tensors.bytes(), kValue), kTensorName);
    }
    return signature;
  }
  throw std::runtime_error("the SavedModel has no signature " + name);
}
