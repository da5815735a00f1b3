// The page: images in, readings out.
import { between, drawAttention } from "./overlay.js";
import { cutOut, PhotoReader } from "./photo.js";
import { PhotoView } from "./photo_view.js";
import { crop, decodeImage } from "./image_file.js";
import { Recognizer } from "./recognizer.js";
import { fetchModel } from "./runtime.js";
import { Walk } from "./walk.js";

const MODEL = "model.onnx";
// What is taken for a photo of more than a word, as in `attention_ocr/images/crop_check.py`.
const MIN_PHOTO_SIDE = 256;
const MAX_PHOTO_RATIO = 2.5;
const MAX_PHOTO_CONFIDENCE = 0.5;
const MIN_SELECTION = 8; // CSS pixels; less is a click
const UNSURE = 0.7;
const THUMBNAIL_HEIGHT = 76;

const element = (id) => document.getElementById(id);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const canvas = element("image");
const context = canvas.getContext("2d");

/** @type {Recognizer | undefined} */
let recognizer;
/** @type {ImageData | undefined} as it was given */
let whole;
/** @type {ImageData | undefined} the whole image or a part of it: what is read */
let shown;
/** @type {ImageBitmap | undefined} the same, to draw */
let bitmap;
/** @type {import("./recognizer.js").Reading | undefined} */
let reading;
// Only the image that was given last is shown.
let newest = 0;
/** @type {Error | undefined} why there is no model to read with */
let modelProblem;

const walk = new Walk(
  (from, to, share) => {
    const { steps } = reading.attention;
    const weights = steps.length ? between(steps[from], steps[to], share) : undefined;
    drawAttention(context, bitmap, reading, weights);
  },
  (place, isPlaying) => {
    const buttons = [...element("characters").querySelectorAll("button")];
    buttons.forEach((button, index) => {
      if (index === place) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    element("play").ariaLabel = isPlaying ? "Pause" : "Play";
    const { length } = buttons;
    element("position").textContent = length ? `${place + 1} of ${length}` : "";
    canvas.ariaLabel = length
      ? `The image, lit where “${reading.characters[place]}” was read`
      : "The image";
  },
);

const photoReader = new PhotoReader();
const photoView = new PhotoView((line) => busy(() => readLine(line)));

let numTasks = 0;

/** Say on the page that it is busy as long as a task lasts. */
async function busy(task) {
  numTasks += 1;
  element("main").ariaBusy = "true";
  try {
    await task();
  } finally {
    numTasks -= 1;
    if (!numTasks) element("main").ariaBusy = "false";
  }
}

function complain(error) {
  element("problem").textContent = error.message;
  element("problem").hidden = false;
}

/** Take back the last complaint, but for one that still holds. */
function forgive() {
  if (modelProblem) complain(modelProblem);
  else element("problem").hidden = true;
}

/** Take a file that was chosen, dropped or pasted: an image or a model. */
async function take(file) {
  forgive();
  if (file.name?.toLowerCase().endsWith(".onnx")) {
    await openModel(file.name, async () => new Uint8Array(await file.arrayBuffer()));
    return;
  }
  const turn = ++newest;
  try {
    const image = await decodeImage(file);
    if (turn !== newest) return;
    whole = image;
    photoView.hide();
    await read(image);
    if (shown === image && looksLikePhoto()) await readLines().catch(() => {});
  } catch (error) {
    if (turn === newest) complain(error);
  }
}

/** Read an image, or keep it until there is a model, and show what was read. */
async function read(image, model = recognizer) {
  shown = image;
  if (!model) return;
  const started = performance.now();
  const found = await model.read(image);
  const elapsed = performance.now() - started;
  const drawable = await createImageBitmap(image);
  if (shown !== image) return;
  bitmap?.close();
  [bitmap, reading] = [drawable, found];
  show(elapsed, model);
}

function looksLikePhoto() {
  const [short, long] = [whole.width, whole.height].sort((one, other) => one - other);
  const isLarge = short >= MIN_PHOTO_SIDE && long <= MAX_PHOTO_RATIO * short;
  return isLarge && reading?.confidence < MAX_PHOTO_CONFIDENCE;
}

/** Read all lines of the image, and show them. */
async function readLines() {
  const image = whole;
  const started = performance.now();
  const photo = await createImageBitmap(image);
  element("loading").hidden = false;
  element("status").textContent = "Finding the lines …";
  element("progress").removeAttribute("value");
  let lines;
  try {
    lines = await photoReader.read(photo, recognizer, (share) => {
      element("status").textContent = "Reading the lines …";
      element("progress").value = share;
    });
  } finally {
    element("loading").hidden = Boolean(recognizer);
  }
  if (whole !== image) return;
  walk.pause();
  reading = undefined;
  element("result").hidden = true;
  photoView.show(photo, lines);
  const elapsed = (performance.now() - started) / 1000;
  element("about").textContent = `Found and read in ${elapsed.toFixed(1)} s.`;
}

/** Show in one line of the photo where the network looked. */
async function readLine({ parts: [quad] }) {
  const photo = await createImageBitmap(whole);
  const line = cutOut(photo, quad);
  photo.close();
  await read(line, photoReader.modelOf(recognizer));
}

function show(elapsed, { metadata }) {
  const { characters, confidence } = reading;
  element("result").hidden = false;
  element("text").textContent = characters.length ? characters.join("") : "No text found";
  element("text").classList.toggle("nothing", !characters.length);
  element("confidence").textContent = percent(confidence);
  element("confidence").dataset.value = confidence;
  const isOfPhoto = !element("photo").hidden;
  element("whole").hidden = shown === whole || isOfPhoto;
  element("as_photo").hidden = isOfPhoto;
  element("crop_hint").hidden = shown !== whole;
  fitCanvas();
  element("characters").replaceChildren(...characters.map(characterItem));
  walk.start(characters.length);
  if (!reducedMotion.matches) walk.play();
  const { image, characters: charset, maxLength } = metadata;
  element("about").textContent =
    `Read in ${Math.max(1, Math.round(elapsed))} ms, scaled to ${image.image_height} pixels. ` +
    `The model knows ${charset.length} characters and reads up to ${maxLength}.`;
}

/** Give the canvas the proportions of the image, as large as the stage has room for. */
function fitCanvas() {
  const stage = element("stage");
  const style = getComputedStyle(stage);
  const room = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const scale = Math.min(room / shown.width, 260 / shown.height);
  const [width, height] = [shown.width, shown.height].map((size) =>
    Math.max(1, Math.round(size * scale)),
  );
  const density = Math.min(devicePixelRatio, 2);
  canvas.style.width = `${width}px`;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
}

function characterItem(character, place) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => walk.go(place));
  const thumbnail = document.createElement("canvas");
  thumbnail.height = Math.min(THUMBNAIL_HEIGHT, Math.ceil((240 * bitmap.height) / bitmap.width));
  thumbnail.width = Math.ceil((thumbnail.height * bitmap.width) / bitmap.height);
  thumbnail.ariaHidden = "true";
  const weights = reading.attention.steps[place];
  drawAttention(thumbnail.getContext("2d"), bitmap, reading, weights);
  const name = document.createElement("span");
  name.className = "character";
  name.textContent = character === " " ? "␣" : character;
  const confidence = reading.characterConfidences[place];
  const meter = document.createElement("meter");
  Object.assign(meter, { min: 0, max: 1, low: UNSURE, optimum: 1, value: confidence });
  meter.ariaHidden = "true";
  const label = document.createElement("span");
  label.className = confidence < UNSURE ? "percent unsure" : "percent";
  label.textContent = percent(confidence) + (confidence < UNSURE ? " ?" : "");
  label.dataset.value = confidence;
  button.append(thumbnail, name, meter, label);
  item.append(button);
  return item;
}

function percent(share) {
  return share >= 0.9995 ? "100 %" : `${(100 * share).toFixed(1)} %`;
}

/** Open a model, and read with it what is shown. */
async function openModel(name, fetchBytes) {
  element("loading").hidden = false;
  element("status").textContent = `Loading the model (${name}) …`;
  element("progress").removeAttribute("value");
  try {
    const bytes = await fetchBytes();
    element("status").textContent = "Starting the model …";
    const opened = await Recognizer.open(bytes);
    await recognizer?.close();
    recognizer = opened;
    modelProblem = undefined;
    forgive();
    element("loading").hidden = true;
  } catch (error) {
    element("loading").hidden = Boolean(recognizer);
    element("status").textContent = "There is no model to read with.";
    element("progress").value = 0;
    const problem = new Error(`The model ${name} cannot be used: ${error.message}`);
    if (!recognizer) modelProblem = problem;
    complain(problem);
    return;
  }
  if (shown) await read(shown);
}

async function takeSample(button) {
  for (const other of element("samples").children) other.ariaPressed = String(other === button);
  const image = button.querySelector("img");
  const name = new URL(image.src).pathname.split("/").at(-1);
  try {
    const response = await fetch(image.src);
    await take(new File([await response.blob()], name));
  } catch {
    complain(new Error("The sample cannot be fetched: is the server still there?"));
  }
}

function takeFirst(files, otherwise) {
  for (const button of element("samples").children) button.ariaPressed = "false";
  if (files.length) busy(() => take(files[0]));
  else complain(new Error(otherwise));
}

function watchIntake() {
  element("file").addEventListener("change", ({ target }) => {
    takeFirst(target.files, "No file was chosen.");
    target.value = "";
  });
  for (const button of element("samples").children) {
    button.addEventListener("click", () => busy(() => takeSample(button)));
  }
  document.addEventListener("paste", (event) => {
    takeFirst(event.clipboardData.files, "The clipboard holds no image.");
  });
  const veil = element("veil");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    takeFirst(event.dataTransfer.files, "What was dropped is not a file.");
  });
}

function watchTransport() {
  const toggle = () => (walk.isPlaying ? walk.pause() : walk.play());
  element("play").addEventListener("click", toggle);
  element("previous").addEventListener("click", () => walk.step(-1));
  element("next").addEventListener("click", () => walk.step(1));
  element("whole").addEventListener("click", () => busy(() => read(whole)));
  element("as_photo").addEventListener("click", () => busy(() => readLines().catch(complain)));
  document.addEventListener("keydown", (event) => {
    const isPlain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (!reading || !isPlain) return;
    const actions = {
      ArrowLeft: () => walk.step(-1),
      ArrowRight: () => walk.step(1),
      Home: () => walk.go(0),
      End: () => walk.go(Infinity),
    };
    // On a button or the input, the space bar presses that.
    if (!event.target.closest("button, input")) actions[" "] = toggle;
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  addEventListener("resize", () => {
    photoView.draw();
    if (!reading) return;
    fitCanvas();
    if (!walk.isPlaying) walk.pause();
  });
}

/** Let a part of the image be chosen by dragging over it. */
function watchSelection() {
  const selection = element("selection");
  let start;
  const placeOf = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const clamp = (value, limit) => Math.max(0, Math.min(value, limit));
    return [clamp(event.clientX - left, width), clamp(event.clientY - top, height)];
  };
  const boxTo = ([x, y]) => ({
    left: Math.min(start[0], x),
    top: Math.min(start[1], y),
    width: Math.abs(x - start[0]),
    height: Math.abs(y - start[1]),
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (!reading || event.button !== 0) return;
    start = placeOf(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!start) return;
    selection.hidden = false;
    for (const [side, value] of Object.entries(boxTo(placeOf(event)))) {
      selection.style[side] = `${value}px`;
    }
  });
  const end = () => {
    start = undefined;
    selection.hidden = true;
  };
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerup", (event) => {
    if (!start) return;
    const box = boxTo(placeOf(event));
    end();
    if (box.width < MIN_SELECTION || box.height < MIN_SELECTION) return;
    const scale = shown.width / canvas.getBoundingClientRect().width;
    const left = Math.min(Math.floor(box.left * scale), shown.width - 1);
    const top = Math.min(Math.floor(box.top * scale), shown.height - 1);
    const width = Math.max(1, Math.min(Math.round(box.width * scale), shown.width - left));
    const height = Math.max(1, Math.min(Math.round(box.height * scale), shown.height - top));
    busy(() => read(crop(shown, { left, top, width, height })));
  });
}

watchIntake();
watchTransport();
watchSelection();
busy(() => takeSample(element("samples").children[0]));
busy(() =>
  openModel(MODEL, () =>
    fetchModel(MODEL, (share) => {
      element("progress").value = share;
    }),
  ),
);
