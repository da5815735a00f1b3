// A photo with the boxes of its lines, beside their texts.

const MAX_HEIGHT = 640; // CSS pixels
const UNSURE = 0.7;
const { max, min, round } = Math;

const element = (id) => document.getElementById(id);

export class PhotoView {
  #photo;
  #lines = [];
  #chosen;
  #onChoose;

  /**
   * @param {(line: import("./photo.js").PhotoLine) => void} onChoose called when a line is clicked
   */
  constructor(onChoose) {
    this.#onChoose = onChoose;
    element("photo_image").addEventListener("click", (event) => this.#chooseAt(event));
    element("copy").addEventListener("click", () => navigator.clipboard.writeText(this.text));
  }

  /** The text of the photo: a line of it on each line. */
  get text() {
    return this.#lines.map(({ text }) => text).join("\n");
  }

  /**
   * Show a photo and what was read on it.
   *
   * @param {ImageBitmap} photo
   * @param {import("./photo.js").PhotoLine[]} lines
   */
  show(photo, lines) {
    this.#photo?.close();
    [this.#photo, this.#lines, this.#chosen] = [photo, lines, undefined];
    element("photo").hidden = false;
    element("num_lines").textContent = countOf(lines.length);
    element("lines").replaceChildren(...lines.map((line) => this.#item(line)));
    this.draw();
  }

  hide() {
    element("photo").hidden = true;
  }

  /** Draw the photo in the room that there is. */
  draw() {
    if (element("photo").hidden) return;
    const canvas = element("photo_image");
    const room = canvas.parentElement.clientWidth;
    const scale = min(room / this.#photo.width, MAX_HEIGHT / this.#photo.height);
    const density = min(devicePixelRatio, 2);
    [canvas.width, canvas.height] = [this.#photo.width, this.#photo.height].map((side) =>
      max(1, round(side * scale * density)),
    );
    canvas.style.width = `${canvas.width / density}px`;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#photo, 0, 0, canvas.width, canvas.height);
    context.scale(scale * density, scale * density);
    context.lineWidth = 2 / scale;
    for (const line of this.#lines) {
      const isChosen = line === this.#chosen;
      context.strokeStyle = isChosen ? "#c2410c" : "#fca311";
      context.fillStyle = isChosen ? "rgb(252 163 17 / 35%)" : "rgb(252 163 17 / 12%)";
      line.parts.forEach((quad) => {
        const outline = outlineOf(quad);
        context.fill(outline);
        context.stroke(outline);
      });
    }
  }

  #item(line) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.corners = JSON.stringify(line.parts);
    button.addEventListener("click", () => this.#choose(line));
    const text = document.createElement("span");
    text.className = "line";
    text.textContent = line.text;
    const percent = document.createElement("span");
    percent.className = line.confidence < UNSURE ? "percent unsure" : "percent";
    percent.textContent = `${(100 * line.confidence).toFixed(0)} %`;
    button.append(text, percent);
    item.append(button);
    return item;
  }

  #choose(line) {
    this.#chosen = line;
    const buttons = element("lines").querySelectorAll("button");
    buttons.forEach((button, place) => {
      button.ariaPressed = String(this.#lines[place] === line);
    });
    this.draw();
    this.#onChoose(line);
  }

  #chooseAt({ offsetX, offsetY, target }) {
    const scale = this.#photo.width / target.clientWidth;
    const context = target.getContext("2d");
    const isAt = (quad) => {
      context.save();
      context.resetTransform();
      const isInside = context.isPointInPath(outlineOf(quad), offsetX * scale, offsetY * scale);
      context.restore();
      return isInside;
    };
    const line = this.#lines.find(({ parts }) => parts.some(isAt));
    if (line) this.#choose(line);
  }
}

function countOf(number) {
  if (number === 0) return "No text found";
  return number === 1 ? "1 line" : `${number} lines`;
}

function outlineOf(quad) {
  const path = new Path2D();
  quad.forEach(([x, y]) => path.lineTo(x, y));
  path.closePath();
  return path;
}
