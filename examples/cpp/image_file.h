// Image files to pixels, as `attention_ocr.images.fitting.decode_array` decodes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Pixels in RGB, row by row.
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> values;  // [height, width, 3]
};

inline constexpr char kUnreadable[] = "unreadable image: damaged or cut short";
inline constexpr char kUnsupported[] = "unreadable image: not a PNG or JPEG file";

// What is wrong with a file for which `decode_image` returns none.
const char* unreadable_status(const std::string& file);

// Decode a PNG or JPEG file; none for anything else, and for a file that is damaged, cut short, or
// announces more than 2^25 pixels. Transparent pixels of a PNG are blended over white or black.
std::optional<Image> decode_image(const std::string& file);
