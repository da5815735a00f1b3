// PP-OCR's detector of text, run by ONNX Runtime Web: a photo in, boxes of lines out.
import { findBoxes, sides } from "./boxes.js";
import { loadRuntime } from "./runtime.js";

const MULTIPLE = 32; // of the sides that the network takes
const MIN_SHORT_SIDE = 736; // smaller photos are enlarged
const MAX_LONG_SIDE = 2000; // larger ones are reduced
const MIN_BOX_SIDE = 3;
const { max, min, round } = Math;

export class Detector {
  #runtime;
  #session;

  /**
   * Open a detector.
   *
   * @param {Uint8Array} model the bytes of an .onnx file
   * @returns {Promise<Detector>}
   * @throws {Error} no model, or no runtime; the message is for people
   */
  static async open(model) {
    const detector = new Detector();
    detector.#runtime = await loadRuntime();
    const { InferenceSession } = detector.#runtime;
    detector.#session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
    return detector;
  }

  /**
   * Find the lines of a photo, or parts of lines.
   *
   * @param {ImageBitmap} photo
   * @returns {Promise<import("./boxes.js").Quad[]>} their corners, in any order
   */
  async detect(photo) {
    const { width, height } = fittedSize(photo);
    const { Tensor } = this.#runtime;
    const input = new Tensor("float32", toPlanes(photo, width, height), [1, 3, height, width]);
    const [inputName] = this.#session.inputNames;
    const outputs = await this.#session.run({ [inputName]: input });
    const { data } = outputs[this.#session.outputNames[0]];
    return findBoxes(data, width, height)
      .map((box) => box.map(([x, y]) => onPhoto(x / width, y / height, photo)))
      .filter((box) => min(...sides(box)) > MIN_BOX_SIDE);
  }
}

function fittedSize(photo) {
  const [short, long] = [min(photo.width, photo.height), max(photo.width, photo.height)];
  const enlarged = max(1, MIN_SHORT_SIDE / short);
  const scale = min(enlarged, MAX_LONG_SIDE / long);
  const fit = (side) => max(round((side * scale) / MULTIPLE), 1) * MULTIPLE;
  return { width: fit(photo.width), height: fit(photo.height) };
}

/** Return the values of a photo in [-1, 1]: a plane of blue, of green and of red. */
function toPlanes(photo, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const size = width * height;
  const values = new Float32Array(3 * size);
  for (let place = 0; place < size; place++) {
    for (let channel = 0; channel < 3; channel++) {
      values[(2 - channel) * size + place] = data[4 * place + channel] / 127.5 - 1;
    }
  }
  return values;
}

function onPhoto(shareX, shareY, photo) {
  const clamp = (value, size) => min(max(round(value * size), 0), size - 1);
  return [clamp(shareX, photo.width), clamp(shareY, photo.height)];
}
