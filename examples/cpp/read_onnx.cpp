// Read image files with an .onnx model of an export and ONNX Runtime: read_onnx MODEL IMAGE...
//
// Needs neither Python nor TensorFlow; settings and characters come from the model file.
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fitting.h"
#include "image_file.h"
#include "metadata.h"
#include "printing.h"

namespace {

constexpr int kFormatVersion = 1;

class Model {
 public:
  explicit Model(const std::filesystem::path& path)
      : session_(environment_, path.c_str(), Ort::SessionOptions()) {
    const int version = number_in_json(metadata("attention_ocr.json"), "format_version");
    if (version != kFormatVersion) {
      throw std::runtime_error("this program reads format_version " +
                               std::to_string(kFormatVersion) +
                               ". Received: " + std::to_string(version));
    }
    settings_ = read_image_settings(metadata("config.json"));
    characters_ = read_characters(metadata("charset.txt"));
  }

  Reading read(const std::string& file) {
    const std::optional<Image> image = decode_image(file);
    if (!image || image->width < settings_.num_views) {
      return {"", 0.0f, unreadable_status(file)};
    }
    Fitted fitted = fit_image(*image, settings_);
    const std::array<std::int64_t, 4> shape = {1, fitted.height, fitted.width,
                                               settings_.image_channels};
    const std::array<std::int64_t, 2> size_shape = {1, 2};
    const std::array<Ort::Value, 2> inputs = {
        Ort::Value::CreateTensor<float>(memory_, fitted.values.data(), fitted.values.size(),
                                        shape.data(), shape.size()),
        Ort::Value::CreateTensor<std::int32_t>(memory_, fitted.size, 2, size_shape.data(),
                                               size_shape.size())};
    const char* const input_names[] = {"images", "image_sizes"};
    const char* const output_names[] = {"token_ids", "confidence"};
    const std::vector<Ort::Value> outputs = session_.Run(Ort::RunOptions(), input_names,
                                                         inputs.data(), 2, output_names, 2);
    const auto num_tokens = outputs[0].GetTensorTypeAndShapeInfo().GetShape()[1];
    return {spell(characters_, outputs[0].GetTensorData<std::int32_t>(), num_tokens),
            *outputs[1].GetTensorData<float>(), kOk};
  }

 private:
  std::string metadata(const char* name) {
    const auto text =
        session_.GetModelMetadata().LookupCustomMetadataMapAllocated(name, allocator_);
    if (text == nullptr) throw std::runtime_error(std::string("it has no ") + name);
    return text.get();
  }

  Ort::Env environment_{ORT_LOGGING_LEVEL_ERROR, "attention_ocr"};
  Ort::AllocatorWithDefaultOptions allocator_;
  Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Ort::Session session_;
  ImageSettings settings_;
  std::vector<std::string> characters_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE...\n  MODEL: an .onnx file of an export\n",
                 argv[0]);
    return 2;
  }
  try {
    Model model{std::filesystem::path(argv[1])};
    return print_readings(argc - 2, argv + 2,
                          [&model](const std::string& content) { return model.read(content); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], error.what());
    return 2;
  }
}
