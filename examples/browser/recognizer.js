// A model of an export, run by ONNX Runtime Web.
import { fitImage } from "./fitting.js";
import { readNotes, spell } from "./notes.js";
import { loadRuntime } from "./runtime.js";

/**
 * What was read in one picture.
 *
 * @typedef {object} Reading
 * @property {string[]} characters of the text
 * @property {number} confidence probability of the whole text
 * @property {number[]} characterConfidences
 * @property {{rows: number, columns: number, steps: Float32Array[]}} attention where each character
 *   was read: weights of the cells over the padded picture
 * @property {[number, number]} extent shares of the attention's rows and columns that are picture
 */

export class Recognizer {
  /** @type {import("./notes.js").Notes} */ notes;
  #runtime;
  #session;

  /**
   * Open a model.
   *
   * @param {Uint8Array} model the bytes of an .onnx file
   * @returns {Promise<Recognizer>}
   * @throws {Error} no model of this toolkit, or no runtime; the message is for people
   */
  static async open(model) {
    const recognizer = new Recognizer();
    recognizer.notes = readNotes(model);
    const { num_views: numViews } = recognizer.notes.image;
    if (numViews > 1) throw new Error(`it reads ${numViews} views at once, this page shows one`);
    recognizer.#runtime = await loadRuntime();
    const { InferenceSession } = recognizer.#runtime;
    recognizer.#session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
    return recognizer;
  }

  /**
   * Read a picture.
   *
   * @param {ImageData} picture opaque
   * @returns {Promise<Reading>}
   */
  async read(picture) {
    return (await this.readAll([picture]))[0];
  }

  /**
   * Read pictures together; those of similar proportions take the least time.
   *
   * @param {ImageData[]} pictures opaque
   * @returns {Promise<Reading[]>}
   */
  async readAll(pictures) {
    const { image_height: height, image_channels: channels } = this.notes.image;
    const fitted = pictures.map((picture) => fitImage(picture, this.notes.image));
    const width = Math.max(...fitted.map((one) => one.width));
    const values = new Float32Array(pictures.length * height * width * channels);
    fitted.forEach((one, index) => {
      const length = one.width * channels;
      for (let row = 0; row < height; row++) {
        const line = one.values.subarray(row * length, (row + 1) * length);
        values.set(line, (index * height + row) * width * channels);
      }
    });
    const sizes = Int32Array.from(fitted.flatMap(({ size }) => size));
    const { Tensor } = this.#runtime;
    const outputs = await this.#session.run({
      images: new Tensor("float32", values, [pictures.length, height, width, channels]),
      image_sizes: new Tensor("int32", sizes, [pictures.length, 2]),
    });
    return fitted.map(({ size }, index) => this.#reading(outputs, index, size, width));
  }

  #reading(outputs, index, size, width) {
    const row = (output) => {
      const length = output.data.length / output.dims[0];
      return output.data.subarray(index * length, (index + 1) * length);
    };
    const characters = spell(this.notes.characters, row(outputs.token_ids));
    const [, , rows, columns] = outputs.attention.dims;
    const attention = row(outputs.attention);
    const steps = characters.map((_, step) =>
      attention.slice(step * rows * columns, (step + 1) * rows * columns),
    );
    return {
      characters,
      confidence: outputs.confidence.data[index],
      characterConfidences: [...row(outputs.character_confidences).slice(0, characters.length)],
      attention: { rows, columns, steps },
      extent: [size[0] / this.notes.image.image_height, size[1] / width],
    };
  }

  /** Whether it reads lines: its characters include the space. */
  get readsLines() {
    return this.notes.characters.includes(" ");
  }

  /** Free the memory of the model. */
  async close() {
    await this.#session.release();
  }
}
