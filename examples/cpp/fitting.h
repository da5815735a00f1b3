// Pixels to the input of the network, as `attention_ocr.images.fitting.fit_array` makes it.
#pragma once

#include <cstdint>
#include <vector>

#include "image_file.h"

// How an image becomes the input of the network; the `image` section of a model's config.json.
struct ImageSettings {
  int image_height = 0, max_image_width = 0, image_channels = 0, num_views = 0;
  float narrow_stretch = 1.0f;
};

// The input of the network for one image.
struct Fitted {
  std::int64_t height = 0, width = 0;  // pixels, the padding included
  std::vector<float> values;           // [height, width, channels], in [-1, 1], the padding 0
  std::int32_t size[2] = {0, 0};       // height and width of the content, pixels
};

// Scale an image to the height of the network, bilinear with antialiasing; a narrow one may be
// widened beside.
Fitted fit_image(const Image& image, const ImageSettings& settings);
