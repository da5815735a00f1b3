// Whole photos: the detector finds lines, a model of lines reads them, and they are put in order.
import { sides } from "./boxes.js";
import { Detector } from "./detector.js";
import { around, readingOrder, rows, uprightBoxes } from "./order.js";
import { crop } from "./image_file.js";
import { Recognizer } from "./recognizer.js";
import { fetchModel } from "./runtime.js";

const DETECTOR = "detector.onnx";
const LINES = "lines.onnx"; // if the model of the page reads no spaces
const MIN_TALL = 1.5; // height relative to width of lines that are turned by a quarter
const NUM_SAMPLED = 4; // lines that tell which way up a photo is
const MIN_SURE = 0.8; // mean confidence from which on no other way is tried
const BATCH_SIZE = 8;
const MIN_CUT = 2; // width relative to height of lines that are read in halves
const MIN_SHARE = 0.2; // of a line, cut off where it is too long for the model
const SMOOTHING = 0.3; // width of a gap between words, relative to the height of the line
const { ceil, floor, max, min, round } = Math;

/**
 * A line of a photo.
 *
 * @typedef {object} PhotoLine
 * @property {string} text
 * @property {number} confidence mean of its words, weighted by their characters
 * @property {import("./boxes.js").Quad[]} parts corners in reading direction
 */

/** Reads photos; its models are opened when the first photo comes. */
export class PhotoReader {
  #detector;
  #lineReader;

  /**
   * Read a photo.
   *
   * @param {ImageBitmap} photo
   * @param {Recognizer | undefined} recognizer the model of the page, used if it reads lines
   * @param {(share: number) => void} onProgress called with the share of lines read, in [0, 1]
   * @returns {Promise<PhotoLine[]>} its lines in reading order
   * @throws {Error} a model is missing; the message is for people
   */
  async read(photo, recognizer, onProgress) {
    await this.#open(recognizer);
    const model = this.modelOf(recognizer);
    const found = await this.#detector.detect(photo);
    const turn = await turnOf(photo, found, model);
    const quads = found.map((box) => roll(box, turn));
    const crops = quads.map((quad) => cutOut(photo, quad));
    const readings = await readLines(crops, model, onProgress);
    const parts = readings.map((reading, index) => ({ ...reading, quad: quads[index] }));
    return inOrder(parts.filter(({ text }) => text));
  }

  /** Return what reads the lines: the model of the page, or the one of lines. */
  modelOf(recognizer) {
    return recognizer?.readsLines ? recognizer : this.#lineReader;
  }

  async #open(recognizer) {
    try {
      this.#detector ??= await Detector.open(await fetchModel(DETECTOR));
      if (this.modelOf(recognizer)) return;
      const model = await Recognizer.open(await fetchModel(LINES));
      if (!model.readsLines) throw new Error(`${LINES} does not read the space`);
      this.#lineReader = model;
    } catch ({ message }) {
      throw new Error(`Photos cannot be read: ${message}. See “Whole photos” in the README.`);
    }
  }
}

/** Join parts of lines, and put the lines into reading order. */
function inOrder(parts) {
  const boxes = uprightBoxes(parts.map(({ quad }) => quad));
  const lines = rows(boxes);
  const order = readingOrder(lines.map((line) => around(line.map((part) => boxes[part]))));
  return order.map((line) => join(lines[line].map((part) => parts[part])));
}

function join(parts) {
  const numCharacters = parts.reduce((sum, { text }) => sum + text.length, 0);
  const weighted = parts.reduce((sum, { text, confidence }) => sum + text.length * confidence, 0);
  return {
    text: parts.map(({ text }) => text).join(" "),
    confidence: weighted / numCharacters,
    parts: parts.map(({ quad }) => quad),
  };
}

/** Return after how many corners, clockwise, most lines begin: 0 if a photo is upright. */
async function turnOf(photo, boxes, recognizer) {
  const lengths = new Map(boxes.map((box) => [box, max(...sides(box))]));
  const total = (some) => some.reduce((sum, box) => sum + lengths.get(box), 0);
  const isTall = ([width, height]) => height >= MIN_TALL * width;
  const tall = boxes.filter((box) => isTall(sides(box)));
  const wide = boxes.filter((box) => isTall(sides(box).reverse()));
  const isTurned = total(tall) > total(wide);
  const telling = isTurned ? tall : wide;
  const byLength = telling.sort((one, other) => lengths.get(other) - lengths.get(one));
  const sample = byLength.slice(0, NUM_SAMPLED);
  const readings = [];
  for (const turn of isTurned ? [1, 3] : [0, 2]) {
    const crops = sample.map((box) => cutOut(photo, roll(box, turn)));
    const found = await readLines(crops, recognizer);
    const sum = found.reduce((total, { confidence }) => total + confidence, 0);
    readings.push({ turn, confidence: sum / max(sample.length, 1) });
    if (readings[0].confidence >= MIN_SURE) break;
  }
  return readings.reduce((best, other) => (other.confidence > best.confidence ? other : best)).turn;
}

function roll(quad, number) {
  return [...quad.slice(number), ...quad.slice(0, number)];
}

/**
 * Cut the rectangle of a line out of a photo, with its text to the right.
 *
 * @param {ImageBitmap} photo
 * @param {import("./boxes.js").Quad} quad
 * @returns {ImageData}
 */
export function cutOut(photo, quad) {
  const [width, height] = sides(quad).map((side) => max(ceil(side), 2));
  const [origin, right, , below] = quad;
  const step = (to, side) => [0, 1].map((axis) => (to[axis] - origin[axis]) / side);
  const toPhoto = new DOMMatrix([...step(right, width), ...step(below, height), ...origin]);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.setTransform(toPhoto.inverse());
  context.drawImage(photo, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** Read lines in batches of similar widths. */
async function readLines(images, recognizer, onProgress = () => {}) {
  const byWidth = [...images.keys()].sort(
    (one, other) => aspect(images[one]) - aspect(images[other]),
  );
  const readings = [];
  for (let start = 0; start < byWidth.length; start += BATCH_SIZE) {
    onProgress(start / byWidth.length);
    const batch = byWidth.slice(start, start + BATCH_SIZE);
    const found = await recognizer.readAll(batch.map((index) => images[index]));
    for (const [place, index] of batch.entries()) {
      readings[index] = await wholeLine(images[index], found[place], recognizer);
    }
  }
  return readings;
}

function aspect({ width, height }) {
  return width / height;
}

/** Return what was read; a line that is too wide for the model or fills it is read in halves. */
async function wholeLine(image, { characters, characterConfidences }, recognizer) {
  const { image: settings, maxLength } = recognizer.metadata;
  const isWide = aspect(image) > settings.max_image_width / settings.image_height;
  if ((isWide || characters.length >= maxLength) && aspect(image) >= MIN_CUT) {
    const place = emptiestPlace(image);
    const part = (left, right) =>
      crop(image, { left, top: 0, width: right - left, height: image.height });
    const halves = [part(0, place), part(place, image.width)];
    const [first, second] = await readLines(halves, recognizer);
    return {
      text: [first.text, second.text].filter(Boolean).join(" "),
      confidence: (first.confidence + second.confidence) / 2,
    };
  }
  const confidence = confidenceOfWords(characters, characterConfidences);
  return { text: characters.join("").trim(), confidence };
}

/**
 * Return the mean confidence of the words, weighted by their characters, as in Python.
 *
 * That of a word is the product of those of its characters. Their mean would tell upright lines
 * less clearly from those upside down, most characters of which look like another one.
 *
 * @param {string[]} characters of a line, spaces among them
 * @param {number[]} confidences of the characters, in [0, 1]
 * @returns {number} in [0, 1]; 0 without a word
 */
export function confidenceOfWords(characters, confidences) {
  let [sum, numCharacters] = [0, 0];
  let word = { confidence: 1, length: 0 };
  const endWord = () => {
    sum += word.length * word.confidence;
    numCharacters += word.length;
    word = { confidence: 1, length: 0 };
  };
  for (const [index, character] of characters.entries()) {
    if (character === " ") endWord();
    else word = { confidence: word.confidence * confidences[index], length: word.length + 1 };
  }
  endWord();
  return sum / max(numCharacters, 1);
}

/** Return the column with the least contrast around it, not near the ends. */
function emptiestPlace({ data, width, height }) {
  const contrasts = Array.from({ length: width }, (_, column) => {
    const greens = Array.from({ length: height }, (_, row) => data[4 * (row * width + column) + 1]);
    return max(...greens) - min(...greens);
  });
  const reach = max(round((SMOOTHING * height) / 2), 1);
  const nearby = (place) =>
    contrasts.slice(place - reach, place + reach + 1).reduce((sum, contrast) => sum + contrast, 0);
  let best = { place: floor(width / 2), sum: Infinity };
  for (let place = ceil(MIN_SHARE * width); place < (1 - MIN_SHARE) * width; place++) {
    const sum = nearby(place);
    if (sum < best.sum) best = { place, sum };
  }
  return best.place;
}
