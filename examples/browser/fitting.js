// Pixels to the input of the network, as `attention_ocr.images.fitting.fit_array` makes it: in
// float32, operation by operation, so that the page and the Python reader see the same numbers. A
// canvas would resample in a way of its own.

const WIDTH_MULTIPLE = 16;
const { fround, abs, min, max, ceil } = Math;
const LUMA = [fround(0.299), fround(0.587), fround(0.114)];

/**
 * The input of the network for one image.
 *
 * @typedef {object} Fitted
 * @property {Float32Array} values [height, width, channels], in [-1, 1]; zero on the padding
 * @property {number} height in pixels
 * @property {number} width in pixels, the padding included
 * @property {[number, number]} size height and width of the image in it, pixels
 */

/**
 * Scale an image to the height of the network; a narrow one may be widened beside.
 *
 * @param {ImageData} image opaque
 * @param {import("./metadata.js").ModelMetadata["image"]} settings
 * @returns {Fitted}
 */
export function fitImage(image, settings) {
  const { image_height: fullHeight, image_channels: channels } = settings;
  const [height, width] = fittedSize(image.height, image.width, settings);
  const paddedWidth = ceil(width / WIDTH_MULTIPLE) * WIDTH_MULTIPLE;
  const values = new Float32Array(fullHeight * paddedWidth * channels);
  const resized = resize(toPlane(image, channels), height, width);
  for (let row = 0; row < height; row++) {
    const from = row * width * channels;
    const to = row * paddedWidth * channels;
    for (let index = 0; index < width * channels; index++) {
      const value = min(max(resized.values[from + index], 0), 255);
      values[to + index] = fround(value / 127.5) - 1;
    }
  }
  return { values, height: fullHeight, width: paddedWidth, size: [height, width] };
}

function fittedSize(height, width, settings) {
  let scale = fround(settings.image_height / height);
  let stretch = 1;
  if (roundHalfToEven(fround(width * scale)) > settings.max_image_width) {
    scale = fround(settings.max_image_width / width);
  } else {
    stretch = narrowStretch(fround(width / height), settings.narrow_stretch ?? 1);
  }
  const fit = (size, limit) => min(max(roundHalfToEven(size), 1), limit);
  return [
    fit(fround(height * scale), settings.image_height),
    fit(fround(fround(width * scale) * stretch), settings.max_image_width),
  ];
}

/** By how much an image is widened: less the wider it is, see `ImageConfig.narrow_stretch`. */
function narrowStretch(ratio, full) {
  const share = min(max(fround(fround(4 - ratio) / 3), 0), 1);
  return fround(1 + fround(fround(full - 1) * share));
}

function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Return the values of an image in grey (ITU-R BT.601) or in colour. */
function toPlane(image, channels) {
  const { data, height, width } = image;
  const values = new Float32Array(height * width * channels);
  let place = 0;
  for (let pixel = 0; pixel < data.length; pixel += 4) {
    if (channels === 1) {
      const upper = fround(fround(data[pixel] * LUMA[0]) + fround(data[pixel + 1] * LUMA[1]));
      values[place++] = upper + fround(data[pixel + 2] * LUMA[2]);
    } else {
      for (let channel = 0; channel < 3; channel++) values[place++] = data[pixel + channel];
    }
  }
  return { values, height, width, channels };
}

function resize(plane, height, width) {
  if (plane.height === height && plane.width === width) return plane;
  return resizeRowsAndTranspose(resizeRowsAndTranspose(plane, height), width);
}

/** Resize the rows, and swap rows and columns: twice, and both are resized and where they were. */
function resizeRowsAndTranspose(plane, newHeight) {
  const { width, channels } = plane;
  const values = new Float32Array(newHeight * width * channels);
  for (let row = 0; row < newHeight; row++) {
    const { first, weights } = resizeWeights(plane.height, newHeight, row);
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++) {
        let value = 0;
        for (let index = 0; index < weights.length; index++) {
          const old = plane.values[((first + index) * width + column) * channels + channel];
          value = fround(value + fround(old * weights[index]));
        }
        values[(column * newHeight + row) * channels + channel] = value;
      }
    }
  }
  return { values, height: width, width: newHeight, channels };
}

/**
 * Return which old pixels of an axis a new one is made of, and how much of each: a triangle as wide
 * as two pixels of the coarser grid, cut off at the border and scaled to a sum of 1.
 */
function resizeWeights(size, newSize, index) {
  const step = fround(1 / fround(newSize / size));
  const radius = max(step, 1);
  const span = min(2 * ceil(radius) + 1, size);
  const center = fround((index + 0.5) * step);
  const start = ceil(fround(fround(center - radius) - 0.5));
  const first = min(max(start, 0), size - span);
  const weights = new Float32Array(span);
  let sum = 0;
  for (let place = 0; place < span; place++) {
    const distance = fround(abs(fround(first + place + 0.5 - center)) / radius);
    weights[place] = max(fround(1 - distance), 0);
    sum = fround(sum + weights[place]);
  }
  for (let place = 0; place < span; place++) weights[place] /= sum;
  return { first, weights };
}
