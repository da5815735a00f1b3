#include "metadata.h"

#include <charconv>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace {

// Token ids below this are special; see `attention_ocr.text.charset`.
constexpr std::int32_t kEnd = 2, kNumSpecial = 4;

// Return the number of a name that must not occur twice, or none where it does not occur.
template <typename Number>
std::optional<Number> find_number(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const auto place = json.find(key);
  if (place == std::string::npos) return std::nullopt;
  const auto start = json.find_first_not_of(' ', place + key.size());
  Number value = 0;
  if (json.find(key, place + 1) != std::string::npos || start == std::string::npos ||
      std::from_chars(json.data() + start, json.data() + json.size(), value).ec != std::errc()) {
    throw std::runtime_error("the model's metadata has no number for `" + name + "`");
  }
  return value;
}

int positive(const std::string& json, const std::string& name) {
  const int value = number_in_json(json, name);
  if (value < 1) {
    throw std::runtime_error("`" + name + "` must be above 0. Received: " + std::to_string(value));
  }
  return value;
}

}  // namespace

int number_in_json(const std::string& json, const std::string& name) {
  const auto value = find_number<int>(json, name);
  if (!value) throw std::runtime_error("the model's metadata does not have `" + name + "`");
  return *value;
}

ImageSettings read_image_settings(const std::string& config) {
  // A model of a release without the last one keeps all proportions.
  return {positive(config, "image_height"), positive(config, "max_image_width"),
          positive(config, "image_channels"), positive(config, "num_views"),
          find_number<float>(config, "narrow_stretch").value_or(1.0f)};
}

std::vector<std::string> read_characters(const std::string& charset) {
  std::vector<std::string> characters;
  for (std::size_t start = 0; start < charset.size();) {
    auto end = charset.find('\n', start);
    if (end == std::string::npos) end = charset.size();
    std::string line = charset.substr(start, end - start);
    // A character, then a tab and the glyphs that are read as it; the tab may be a character.
    const auto tab = line.find('\t', 1);
    if (tab != std::string::npos) line.resize(tab);
    characters.push_back(line);
    start = end + 1;
  }
  return characters;
}

std::string spell(const std::vector<std::string>& characters, const std::int32_t* token_ids,
                  std::int64_t num_tokens) {
  std::string text;
  for (std::int64_t index = 0; index < num_tokens && token_ids[index] != kEnd; ++index) {
    const std::int32_t token_id = token_ids[index];
    if (token_id >= kNumSpecial) text += characters.at(token_id - kNumSpecial);
  }
  return text;
}
