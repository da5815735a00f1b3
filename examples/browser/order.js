// The order in which lines are read, as `attention_ocr/pages/reading_order.py` has it.

const MIN_ROW_OVERLAP = 0.5;
const MAX_PART_GAP = 0.5;
const MAX_HEIGHT_RATIO = 1.6;
const SLACK = 0.1;
const { hypot, max, min } = Math;

/** @typedef {[number, number, number, number]} Box left, top, right and bottom */

/**
 * Return the boxes of lines after the page was rotated so that its text is level.
 *
 * @param {import("./boxes.js").Quad[]} quads corners in reading direction
 * @returns {Box[]}
 */
export function uprightBoxes(quads) {
  const along = [0, 1].map((axis) =>
    quads.reduce((sum, [a, b, c, d]) => sum + b[axis] + c[axis] - a[axis] - d[axis], 0),
  );
  const length = hypot(...along);
  const [cosine, sine] = length ? along.map((part) => part / length) : [1, 0];
  return quads.map((quad) => {
    const level = quad.map(([x, y]) => [x * cosine + y * sine, y * cosine - x * sine]);
    // Corners of a line at a slight angle would overlap its neighbours: mid-sides do not.
    const middles = level.map((corner, index) =>
      [0, 1].map((axis) => (corner[axis] + level[(index + 1) % 4][axis]) / 2),
    );
    const [xs, ys] = [0, 1].map((axis) => middles.map((point) => point[axis]));
    return [min(...xs), min(...ys), max(...xs), max(...ys)];
  });
}

/**
 * Group parts of one line: side by side, of similar height, without a wide gap.
 *
 * @param {Box[]} boxes
 * @returns {number[][]} the indices of the parts of each line, from left to right
 */
export function rows(boxes) {
  const groups = [];
  const byLeft = boxes.map((_, index) => index).sort((one, other) => boxes[one][0] - boxes[other][0]);
  for (const index of byLeft) {
    const [left, top, , bottom] = boxes[index];
    const [height, fitting] = [bottom - top, []];
    for (const group of groups) {
      const [, lastTop, lastRight, lastBottom] = boxes[group.at(-1)];
      const lastHeight = lastBottom - lastTop;
      const overlap = min(bottom, lastBottom) - max(top, lastTop);
      const [low, high] = [min(height, lastHeight), max(height, lastHeight)];
      const gap = left - lastRight;
      if (
        overlap >= MIN_ROW_OVERLAP * low &&
        high <= MAX_HEIGHT_RATIO * low &&
        -low <= gap &&
        gap <= MAX_PART_GAP * high
      ) {
        fitting.push({ group, gap });
      }
    }
    if (!fitting.length) groups.push([index]);
    else fitting.reduce((best, other) => (other.gap < best.gap ? other : best)).group.push(index);
  }
  return groups;
}

/** Return the box around boxes. */
export function around(boxes) {
  const side = (pick, place) => pick(...boxes.map((box) => box[place]));
  return [side(min, 0), side(min, 1), side(max, 2), side(max, 3)];
}

/**
 * Order lines topologically (Breuel, High Performance Document Layout Analysis, 2003).
 *
 * @param {Box[]} boxes
 * @returns {number[]} their indices in reading order
 */
export function readingOrder(boxes) {
  const open = new Set(boxes.keys());
  const order = [];
  const precedes = precedence(boxes);
  const compare = (one, other) => boxes[one][1] - boxes[other][1] || boxes[one][0] - boxes[other][0];
  while (open.size) {
    const waiting = [...open];
    const ready = waiting.filter((line) => !waiting.some((other) => precedes[other][line]));
    // Contradicting relations, as in slanted text, leave none ready: the topmost goes first.
    const [first] = (ready.length ? ready : waiting).sort(compare);
    order.push(first);
    open.delete(first);
  }
  return order;
}

/** Return whether line i precedes line j: above it in a column, or in a column left of it. */
function precedence(boxes) {
  const middle = boxes.map(([, top, , bottom]) => (top + bottom) / 2);
  const slack = boxes.map(([left, top, right, bottom]) => SLACK * min(right - left, bottom - top));
  const overlap = (one, other) =>
    one !== other &&
    boxes[one][0] + slack[one] < boxes[other][2] &&
    boxes[other][0] + slack[other] < boxes[one][2];
  const overlaps = boxes.map((_, one) => boxes.map((_, other) => overlap(one, other)));
  const isLeft = (one, other) => boxes[one][0] + boxes[one][2] < boxes[other][0] + boxes[other][2];
  // A heading over two columns lies between their lines, and overlaps both.
  const isParted = (one, other) =>
    boxes.some(
      (_, line) =>
        middle[line] > min(middle[one], middle[other]) &&
        middle[line] < max(middle[one], middle[other]) &&
        overlaps[one][line] &&
        overlaps[line][other],
    );
  return boxes.map((_, one) =>
    boxes.map((_, other) =>
      overlaps[one][other]
        ? middle[one] < middle[other]
        : isLeft(one, other) && !isParted(one, other),
    ),
  );
}
