// Overlays of the attention: the image darkened, and lit where a character was read.

const DARK = 0.8;
const GLOW = 0.3;

/**
 * Draw an image with one step of the attention over it.
 *
 * @param {CanvasRenderingContext2D} context of a canvas with the proportions of the image
 * @param {CanvasImageSource} image
 * @param {import("./recognizer.js").Reading} reading
 * @param {Float32Array | undefined} weights of the cells; without any the image is shown unchanged
 */
export function drawAttention(context, image, reading, weights) {
  const { width, height } = context.canvas;
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  if (!weights) return;
  const { rows, columns } = reading.attention;
  const [rowShare, columnShare] = reading.extent;
  for (const [colour, alphaOf] of [
    [[8, 13, 30], (light) => DARK * (1 - light)],
    [[252, 163, 17], (light) => GLOW * light * light],
  ]) {
    const layer = layerOf(weights, rows, columns, colour, alphaOf);
    // Between the centres of cells the light goes over smoothly.
    context.drawImage(layer, 0, 0, columns * columnShare, rows * rowShare, 0, 0, width, height);
  }
}

function layerOf(weights, rows, columns, [red, green, blue], alphaOf) {
  const strongest = weights.reduce((most, weight) => Math.max(most, weight), 1e-9);
  const cells = new ImageData(columns, rows);
  weights.forEach((weight, cell) => {
    const alpha = Math.round(255 * alphaOf(Math.sqrt(weight / strongest)));
    cells.data.set([red, green, blue, alpha], cell * 4);
  });
  const layer = new OffscreenCanvas(columns, rows);
  layer.getContext("2d").putImageData(cells, 0, 0);
  return layer;
}

/**
 * Return weights between those of two characters.
 *
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} share of the way, in [0, 1]
 */
export function between(from, to, share) {
  return from.map((weight, cell) => weight * (1 - share) + to[cell] * share);
}
