// Boxes of lines from a map of text probabilities: the last step of differentiable binarization
// (Liao et al., 2020), as PP-OCR and the package rapidocr do it.

const TEXT = 0.3; // probability from which on a pixel is text
const MIN_MEAN = 0.5; // mean probability of a box
const GROWTH = 1.6; // the network marks the middle of lines: area over perimeter, times this
const MIN_SIDE = 3; // pixels of the map
const { ceil, floor, hypot, max, min } = Math;

/** @typedef {[number, number]} Point x and y in pixels */
/** @typedef {[Point, Point, Point, Point]} Quad corners, clockwise from the upper left */

/**
 * Find the boxes of lines.
 *
 * @param {Float32Array} probabilities of text, [height, width]
 * @param {number} width
 * @param {number} height
 * @returns {Quad[]} in pixels of the map
 */
export function findBoxes(probabilities, width, height) {
  const boxes = [];
  for (const outline of outlines(dilate(probabilities, width, height), width, height)) {
    const rectangle = smallestRectangle(convexHull(outline));
    if (min(...sides(rectangle)) < MIN_SIDE) continue;
    if (meanInside(probabilities, width, height, rectangle) < MIN_MEAN) continue;
    const grown = grow(rectangle);
    if (min(...sides(grown)) >= MIN_SIDE + 2) boxes.push(clockwise(grown));
  }
  return boxes;
}

/** Mark the pixels of text, and those right of and below them: thin gaps are closed. */
function dilate(probabilities, width, height) {
  const mask = new Uint8Array(width * height);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) {
      if (probabilities[place] <= TEXT) continue;
      const [right, below] = [x + 1 < width, y + 1 < height];
      mask[place] = 1;
      if (right) mask[place + 1] = 1;
      if (below) mask[place + width] = 1;
      if (right && below) mask[place + width + 1] = 1;
    }
  }
  return mask;
}

/** Yield the first and last pixel in each row of every connected part of a mask. */
function* outlines(mask, width, height) {
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1) continue;
    const rows = new Map();
    const waiting = [start];
    mask[start] = 2;
    while (waiting.length) {
      const place = waiting.pop();
      const [x, y] = [place % width, floor(place / width)];
      const [first, last] = rows.get(y) ?? [x, x];
      rows.set(y, [min(first, x), max(last, x)]);
      for (let row = max(y - 1, 0); row <= min(y + 1, height - 1); row++) {
        for (let column = max(x - 1, 0); column <= min(x + 1, width - 1); column++) {
          const next = row * width + column;
          if (mask[next] !== 1) continue;
          mask[next] = 2;
          waiting.push(next);
        }
      }
    }
    yield [...rows].flatMap(([y, [first, last]]) => [[first, y], [last, y]]);
  }
}

/** Return the convex hull of points, clockwise on the screen (Andrew, 1979). */
function convexHull(points) {
  const sorted = [...points].sort(([x, y], [otherX, otherY]) => x - otherX || y - otherY);
  const chain = (ordered) => {
    const hull = [];
    for (const point of ordered) {
      while (hull.length > 1 && cross(hull.at(-2), hull.at(-1), point) <= 0) hull.pop();
      hull.push(point);
    }
    return hull.slice(0, -1);
  };
  const hull = [...chain(sorted), ...chain(sorted.reverse())];
  return hull.length ? hull : [points[0]];
}

function cross([x, y], [alongX, alongY], [otherX, otherY]) {
  return (alongX - x) * (otherY - y) - (alongY - y) * (otherX - x);
}

/** Return the smallest rectangle around a convex hull: one of its sides lies on the hull's. */
function smallestRectangle(hull) {
  let best = { area: Infinity };
  for (let index = 0; index < hull.length; index++) {
    const [from, to] = [hull[index], hull[(index + 1) % hull.length]];
    const length = hypot(to[0] - from[0], to[1] - from[1]);
    const [cosine, sine] = length ? [(to[0] - from[0]) / length, (to[1] - from[1]) / length] : [1, 0];
    const along = hull.map(([x, y]) => x * cosine + y * sine);
    const across = hull.map(([x, y]) => y * cosine - x * sine);
    const [left, right] = [min(...along), max(...along)];
    const [top, bottom] = [min(...across), max(...across)];
    const area = (right - left) * (bottom - top);
    if (area >= best.area) continue;
    const corner = (u, v) => [u * cosine - v * sine, u * sine + v * cosine];
    best = {
      area,
      rectangle: [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)],
    };
  }
  return best.rectangle;
}

/** Return the lengths of the first and the second side of a rectangle. */
export function sides([first, second, third]) {
  return [
    hypot(second[0] - first[0], second[1] - first[1]),
    hypot(third[0] - second[0], third[1] - second[1]),
  ];
}

function meanInside(probabilities, width, height, rectangle) {
  const xs = rectangle.map(([x]) => x);
  const ys = rectangle.map(([, y]) => y);
  let [sum, count] = [0, 0];
  for (let y = max(floor(min(...ys)), 0); y <= min(ceil(max(...ys)), height - 1); y++) {
    for (let x = max(floor(min(...xs)), 0); x <= min(ceil(max(...xs)), width - 1); x++) {
      const isInside = rectangle.every(
        (corner, index) => cross(corner, rectangle[(index + 1) % 4], [x, y]) >= -0.5,
      );
      if (!isInside) continue;
      sum += probabilities[y * width + x];
      count += 1;
    }
  }
  return count ? sum / count : 0;
}

/** Move each side of a rectangle outwards. */
function grow(rectangle) {
  const [length, breadth] = sides(rectangle);
  const distance = (length * breadth * GROWTH) / (2 * (length + breadth));
  const [first, second, , fourth] = rectangle;
  const unit = (to, side) => [0, 1].map((axis) => ((to[axis] - first[axis]) / side) * distance);
  const [along, across] = [unit(second, length), unit(fourth, breadth)];
  const signs = [[-1, -1], [1, -1], [1, 1], [-1, 1]];
  return rectangle.map((corner, index) => {
    const [u, v] = signs[index];
    return [0, 1].map((axis) => corner[axis] + u * along[axis] + v * across[axis]);
  });
}

/** Order corners clockwise from the upper left one. */
function clockwise(corners) {
  const byX = [...corners].sort((one, other) => one[0] - other[0]);
  const [topLeft, bottomLeft] = byX.slice(0, 2).sort((one, other) => one[1] - other[1]);
  const [topRight, bottomRight] = byX.slice(2).sort((one, other) => one[1] - other[1]);
  return [topLeft, topRight, bottomRight, bottomLeft];
}
