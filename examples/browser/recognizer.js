// A model of an export, run by ONNX Runtime Web.
import { fitImage } from "./fitting.js";
import { readNotes, spell } from "./notes.js";

const RUNTIME = new URL("./vendor/", import.meta.url);

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
    const { image: settings, characters } = this.notes;
    const fitted = fitImage(picture, settings);
    const { Tensor } = this.#runtime;
    const shape = [1, fitted.height, fitted.width, settings.image_channels];
    const outputs = await this.#session.run({
      images: new Tensor("float32", fitted.values, shape),
      image_sizes: new Tensor("int32", Int32Array.from(fitted.size), [1, 2]),
    });
    const text = spell(characters, outputs.token_ids.data);
    const [, , rows, columns] = outputs.attention.dims;
    const steps = text.map((_, step) =>
      outputs.attention.data.slice(step * rows * columns, (step + 1) * rows * columns),
    );
    return {
      characters: text,
      confidence: outputs.confidence.data[0],
      characterConfidences: [...outputs.character_confidences.data.slice(0, text.length)],
      attention: { rows, columns, steps },
      extent: [fitted.size[0] / settings.image_height, fitted.size[1] / fitted.width],
    };
  }

  /** Free the memory of the model. */
  async close() {
    await this.#session.release();
  }
}

async function loadRuntime() {
  let runtime;
  try {
    runtime = await import(new URL("ort.wasm.min.mjs", RUNTIME).href);
  } catch {
    throw new Error("vendor/ is missing: run `npm install` in the folder of this page");
  }
  runtime.env.wasm.wasmPaths = RUNTIME.href;
  // Threads need headers that a plain file host does not send.
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = "error";
  return runtime;
}

/**
 * Fetch a file of this site.
 *
 * @param {string} path
 * @param {(share: number) => void} onProgress called with the share that has come, in [0, 1]
 * @returns {Promise<Uint8Array>}
 * @throws {Error} it is not there; the message is for people
 */
export async function fetchModel(path, onProgress) {
  const response = await fetch(path).catch(() => {
    throw new Error(`${path} cannot be fetched: is the server still there?`);
  });
  if (!response.ok) throw new Error(`there is no ${path} beside this page (${response.status})`);
  // A host that compresses announces another length than comes.
  const encoded = response.headers.has("Content-Encoding");
  const length = encoded ? 0 : Number(response.headers.get("Content-Length"));
  const parts = [];
  let received = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    if (length) onProgress(Math.min(received / length, 1));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
