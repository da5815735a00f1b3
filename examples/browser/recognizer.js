// A model of an export, run by ONNX Runtime Web.
import { fitImage } from "./fitting.js";
import { readMetadata, spell } from "./metadata.js";
import { loadRuntime } from "./runtime.js";

/**
 * What was read in one image.
 *
 * @typedef {object} Reading
 * @property {string[]} characters of the text
 * @property {number} confidence probability of the whole text
 * @property {number[]} characterConfidences
 * @property {{rows: number, columns: number, steps: Float32Array[]}} attention where each character
 *   was read: weights of the cells over the padded image
 * @property {[number, number]} extent shares of the attention's rows and columns that are image
 */

export class Recognizer {
  /** @type {import("./metadata.js").ModelMetadata} */ metadata;
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
    recognizer.metadata = readMetadata(model);
    const { num_views: numViews } = recognizer.metadata.image;
    if (numViews > 1) throw new Error(`models of several views are not supported. Received: ${numViews} views`);
    recognizer.#runtime = await loadRuntime();
    const { InferenceSession } = recognizer.#runtime;
    recognizer.#session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
    return recognizer;
  }

  /**
   * Read an image.
   *
   * @param {ImageData} image opaque
   * @returns {Promise<Reading>}
   */
  async read(image) {
    return (await this.readAll([image]))[0];
  }

  /**
   * Read images together; those of similar proportions take the least time.
   *
   * @param {ImageData[]} images opaque
   * @returns {Promise<Reading[]>}
   */
  async readAll(images) {
    const { image_height: height, image_channels: channels } = this.metadata.image;
    const fitted = images.map((image) => fitImage(image, this.metadata.image));
    const width = Math.max(...fitted.map((one) => one.width));
    const values = new Float32Array(images.length * height * width * channels);
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
      images: new Tensor("float32", values, [images.length, height, width, channels]),
      image_sizes: new Tensor("int32", sizes, [images.length, 2]),
    });
    return fitted.map(({ size }, index) => this.#reading(outputs, index, size, width));
  }

  #reading(outputs, index, size, width) {
    const row = (output) => {
      const length = output.data.length / output.dims[0];
      return output.data.subarray(index * length, (index + 1) * length);
    };
    const characters = spell(this.metadata.characters, row(outputs.token_ids));
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
      extent: [size[0] / this.metadata.image.image_height, size[1] / width],
    };
  }

  /** Whether it reads lines: its characters include the space. */
  get readsLines() {
    return this.metadata.characters.includes(" ");
  }

  /** Free the memory of the model. */
  async close() {
    await this.#session.release();
  }
}
