// Decoding of image files, with error messages for users.

/** Of a file, and of the image in it: those of `attention-ocr read`. */
export const MAX_BYTES = 2 ** 26;
export const MAX_PIXELS = 2 ** 24;

/**
 * Decode an image file of any format that the browser supports, rotated by its EXIF orientation.
 * Transparency is blended over white, or over black where the rest is light, as in Python.
 *
 * @param {Blob} file
 * @returns {Promise<ImageData>}
 * @throws {Error} not an image, or too large; the message is shown to users
 */
export async function decodeImage(file) {
  const name = file instanceof File && file.name ? `“${file.name}”` : "This";
  if (file.size > MAX_BYTES) {
    const [size, limit] = [file.size, MAX_BYTES].map((bytes) => Math.round(bytes / 2 ** 20));
    throw new Error(`${name} is a file of ${size} MB. The limit is ${limit} MB.`);
  }
  const { width, height } = await announcedSize(file, name);
  if (width * height > MAX_PIXELS) {
    throw new Error(
      `${name} is an image of ${width} × ${height} pixels. ` +
        `The limit is ${(MAX_PIXELS / 1e6).toFixed(1)} million: make it smaller, or cut out the text.`,
    );
  }
  let bitmap;
  try {
    // Values as they stand in the file, as Python reads them: no colour profile.
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${name} is damaged and cannot be decoded.`);
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  layOverContrast(image.data);
  return image;
}

/** Blend RGBA values over white or black: see `over_contrast` in `attention_ocr/images/decode.py`. */
function layOverContrast(values) {
  let [brightness, weight, seesThrough] = [0, 0, false];
  for (let i = 0; i < values.length; i += 4) {
    const alpha = values[i + 3];
    brightness += (299 * values[i] + 587 * values[i + 1] + 114 * values[i + 2]) * alpha;
    weight += alpha;
    seesThrough ||= alpha < 255;
  }
  if (!seesThrough) return;
  const backdrop = weight > 0 && brightness >= 160000 * weight ? 0 : 255;
  for (let i = 0; i < values.length; i += 4) {
    const share = values[i + 3] / 255;
    for (let channel = i; channel < i + 3; channel++) {
      values[channel] = Math.round(values[channel] * share + backdrop * (1 - share));
    }
    values[i + 3] = 255;
  }
}

/** Look at the size that a file announces, before its pixels take memory. */
async function announcedSize(file, name) {
  const url = URL.createObjectURL(file);
  const image = new Image();
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = url;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    throw new Error(`${name} is not an image that this browser can read. Try a PNG or a JPEG file.`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * Cut a rectangle out of an image.
 *
 * @param {ImageData} image
 * @param {{left: number, top: number, width: number, height: number}} area in pixels, inside of it
 * @returns {ImageData}
 */
export function crop(image, { left, top, width, height }) {
  const part = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * 4;
    part.data.set(image.data.subarray(start, start + width * 4), row * width * 4);
  }
  return part;
}
