#include "image_file.h"

#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

namespace {

constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 25;

// libpng and libjpeg leave a damaged file by longjmp, past the destructors of what the function
// that called setjmp has made since: all objects are made by their callers.

struct PngSource {
  const std::string& file;
  std::size_t place;
};

void read_png_bytes(png_structp png, png_bytep bytes, std::size_t num_bytes) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (num_bytes > source->file.size() - source->place) png_error(png, "cut short");
  std::memcpy(bytes, source->file.data() + source->place, num_bytes);
  source->place += num_bytes;
}

void ignore_png_warning(png_structp, png_const_charp) {}

void leave_png(png_structp png, png_const_charp) { png_longjmp(png, 1); }

// Decode to RGBA, 8 bits each: of 16 bits the upper ones, gamma and colour profiles left alone.
bool decode_png(png_structp png, png_infop info, PngSource& source, Image& image,
                std::vector<png_bytep>& rows) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_read_fn(png, &source, read_png_bytes);
  png_read_info(png, info);
  const std::uint64_t height = png_get_image_height(png, info);
  const std::uint64_t width = png_get_image_width(png, info);
  if (height * width > kMaxPixels) return false;
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  image.height = static_cast<int>(height);
  image.width = static_cast<int>(width);
  image.values.resize(height * width * 4);
  rows.resize(height);
  for (std::size_t row = 0; row < height; ++row) {
    rows[row] = image.values.data() + row * width * 4;
  }
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  return true;
}

// Blend RGBA over white, or over black where the image itself is light: the mean luma of its
// pixels, each weighted by its alpha, decides.
void blend_with_contrast(Image& image) {
  const std::size_t num_pixels = image.values.size() / 4;
  std::uint64_t brightness = 0;
  std::uint64_t weight = 0;
  for (std::size_t pixel = 0; pixel < num_pixels; ++pixel) {
    const std::uint8_t* rgba = image.values.data() + pixel * 4;
    const std::uint64_t luma = 299u * rgba[0] + 587u * rgba[1] + 114u * rgba[2];
    brightness += luma * rgba[3];
    weight += rgba[3];
  }
  const float backdrop = weight > 0 && brightness >= 160000u * weight ? 0.0f : 255.0f;
  for (std::size_t pixel = 0; pixel < num_pixels; ++pixel) {
    const float alpha = static_cast<float>(image.values[pixel * 4 + 3]) / 255.0f;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const float value = image.values[pixel * 4 + channel];
      image.values[pixel * 3 + channel] =
          static_cast<std::uint8_t>(std::nearbyint(value * alpha + backdrop * (1.0f - alpha)));
    }
  }
  image.values.resize(num_pixels * 3);
}

std::optional<Image> decode_png_file(const std::string& file) {
  PngSource source{file, 0};
  Image image;
  std::vector<png_bytep> rows;
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, leave_png, ignore_png_warning);
  if (png == nullptr) return std::nullopt;
  png_infop info = png_create_info_struct(png);
  const bool is_whole = info != nullptr && decode_png(png, info, source, image, rows);
  png_destroy_read_struct(&png, &info, nullptr);
  if (!is_whole) return std::nullopt;
  blend_with_contrast(image);
  return image;
}

struct JpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg knows this part alone
  std::jmp_buf place;
};

void leave_jpeg(j_common_ptr jpeg) {
  std::longjmp(reinterpret_cast<JpegErrors*>(jpeg->err)->place, 1);
}

// libjpeg paints the rest of a file that was cut short grey, with a warning.
void judge_jpeg_message(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) leave_jpeg(jpeg);
}

bool decode_jpeg(jpeg_decompress_struct& jpeg, JpegErrors& errors, const std::string& file,
                 Image& image) {
  if (setjmp(errors.place) != 0) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.data()),
               static_cast<unsigned long>(file.size()));
  jpeg_read_header(&jpeg, TRUE);
  if (std::uint64_t{jpeg.image_width} * jpeg.image_height > kMaxPixels) return false;
  jpeg.out_color_space = JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&jpeg);
  image.height = static_cast<int>(jpeg.output_height);
  image.width = static_cast<int>(jpeg.output_width);
  image.values.resize(std::size_t{jpeg.output_height} * jpeg.output_width * 3);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = image.values.data() + std::size_t{jpeg.output_scanline} * jpeg.output_width * 3;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

std::optional<Image> decode_jpeg_file(const std::string& file) {
  JpegErrors errors{};
  jpeg_decompress_struct jpeg{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave_jpeg;
  errors.manager.emit_message = judge_jpeg_message;
  Image image;
  const bool is_whole = decode_jpeg(jpeg, errors, file, image);
  jpeg_destroy_decompress(&jpeg);
  if (!is_whole) return std::nullopt;
  return image;
}

bool is_png(const std::string& file) { return file.rfind("\x89PNG", 0) == 0; }

bool is_jpeg(const std::string& file) { return file.rfind("\xFF\xD8\xFF", 0) == 0; }

}  // namespace

const char* unreadable_status(const std::string& file) {
  return file.empty() || is_png(file) || is_jpeg(file) ? kUnreadable : kUnsupported;
}

std::optional<Image> decode_image(const std::string& file) {
  if (is_png(file)) return decode_png_file(file);
  if (is_jpeg(file)) return decode_jpeg_file(file);
  return std::nullopt;
}
