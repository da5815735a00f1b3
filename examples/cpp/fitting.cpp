#include "fitting.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace {

// Widths are padded to a multiple of this.
constexpr int kWidthMultiple = 16;
// ITU-R BT.601.
constexpr float kLuma[3] = {0.299f, 0.587f, 0.114f};

struct Plane {
  int height = 0, width = 0, channels = 0;
  std::vector<float> values;  // [height, width, channels]
};

// Cut out `width` columns from `left` on, in grey or in colour.
Plane cut(const Image& image, int left, int width, int channels) {
  Plane plane{image.height, width, channels, {}};
  plane.values.reserve(std::size_t(image.height) * width * channels);
  for (int row = 0; row < image.height; ++row) {
    const std::uint8_t* pixel = &image.values[(std::size_t(row) * image.width + left) * 3];
    for (int column = 0; column < width; ++column, pixel += 3) {
      if (channels == 1) {
        plane.values.push_back(pixel[0] * kLuma[0] + pixel[1] * kLuma[1] + pixel[2] * kLuma[2]);
      } else {
        plane.values.insert(plane.values.end(), pixel, pixel + 3);
      }
    }
  }
  return plane;
}

// Resize rows, and swap rows and columns: twice, and both are resized and where they were.
//
// A new pixel is made of the old ones under a triangle as wide as two pixels of the coarser grid,
// cut off at the border and scaled to a sum of 1.
Plane resize_rows_and_transpose(const Plane& plane, int new_height) {
  const float step = 1.0f / (static_cast<float>(new_height) / static_cast<float>(plane.height));
  const float radius = std::max(step, 1.0f);
  const int span = std::min(2 * static_cast<int>(std::ceil(radius)) + 1, plane.height);
  Plane resized{plane.width, new_height, plane.channels, {}};
  resized.values.resize(std::size_t(new_height) * plane.width * plane.channels);
  std::vector<float> weights(span);
  for (int row = 0; row < new_height; ++row) {
    const float center = (static_cast<float>(row) + 0.5f) * step;
    const int first = std::clamp(static_cast<int>(std::ceil(center - radius - 0.5f)), 0,
                                 plane.height - span);
    float sum = 0.0f;
    for (int index = 0; index < span; ++index) {
      const float distance =
          std::abs(static_cast<float>(first + index) + 0.5f - center) / radius;
      weights[index] = std::max(1.0f - distance, 0.0f);
      sum += weights[index];
    }
    for (int column = 0; column < plane.width; ++column) {
      for (int channel = 0; channel < plane.channels; ++channel) {
        float value = 0.0f;
        for (int index = 0; index < span; ++index) {
          const std::size_t old = std::size_t(first + index) * plane.width + column;
          value += plane.values[old * plane.channels + channel] * (weights[index] / sum);
        }
        resized.values[(std::size_t(column) * new_height + row) * plane.channels + channel] = value;
      }
    }
  }
  return resized;
}

Plane resize(const Plane& plane, int height, int width) {
  if (plane.height == height && plane.width == width) return plane;
  return resize_rows_and_transpose(resize_rows_and_transpose(plane, height), width);
}

// In float32 and with halves to the even side, like the network's own preprocessing.
void fit_size(int height, int width, const ImageSettings& settings, std::int32_t size[2]) {
  const float rows = static_cast<float>(height), columns = static_cast<float>(width);
  float scale = static_cast<float>(settings.image_height) / rows, stretch = 1.0f;
  if (std::nearbyint(columns * scale) > settings.max_image_width) {
    scale = static_cast<float>(settings.max_image_width) / columns;
  } else {
    // Less the wider it is, see `ImageConfig.narrow_stretch`.
    const float share = std::clamp((4.0f - columns / rows) / 3.0f, 0.0f, 1.0f);
    stretch = 1.0f + (settings.narrow_stretch - 1.0f) * share;
  }
  size[0] = std::clamp(static_cast<int>(std::nearbyint(rows * scale)), 1, settings.image_height);
  size[1] = std::clamp(static_cast<int>(std::nearbyint(columns * scale * stretch)), 1,
                       settings.max_image_width);
}

}  // namespace

Fitted fit_image(const Image& image, const ImageSettings& settings) {
  const int width = image.width / settings.num_views, channels = settings.image_channels;
  Fitted fitted;
  fit_size(image.height, width, settings, fitted.size);
  fitted.height = std::int64_t{settings.image_height} * settings.num_views;
  fitted.width = (fitted.size[1] + kWidthMultiple - 1) / kWidthMultiple * kWidthMultiple;
  fitted.values.resize(fitted.height * fitted.width * channels);
  const std::size_t row_length = std::size_t(fitted.size[1]) * channels;
  for (int view = 0; view < settings.num_views; ++view) {
    const Plane part =
        resize(cut(image, view * width, width, channels), fitted.size[0], fitted.size[1]);
    for (int row = 0; row < fitted.size[0]; ++row) {
      const float* from = &part.values[row * row_length];
      float* to = &fitted.values[(std::size_t(view) * settings.image_height + row) * fitted.width *
                                 channels];
      for (std::size_t index = 0; index < row_length; ++index) {
        to[index] = std::clamp(from[index], 0.0f, 255.0f) / 127.5f - 1.0f;
      }
    }
  }
  return fitted;
}
