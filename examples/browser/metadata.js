// What an .onnx model of an export states about itself, see "LiteRT and ONNX" in docs/formats.md.

const FORMAT_VERSION = 1;
const FIRST_CHARACTER_ID = 4;
const END_ID = 2;
const UNKNOWN_ID = 3;

// Numbers of fields in onnx.proto, which protobuf never changes.
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;

/**
 * The metadata that reading needs.
 *
 * @typedef {object} ModelMetadata
 * @property {{image_height: number, max_image_width: number, image_channels: number,
 *   num_views: number, narrow_stretch?: number}} image
 * @property {string[]} characters what the token ids from 4 on stand for
 * @property {number} maxLength largest number of characters that are read
 */

/**
 * Read the metadata of a model.
 *
 * ONNX Runtime Web does not expose a model's metadata, so its few fields are parsed from the file.
 *
 * @param {Uint8Array} model the bytes of the file
 * @returns {ModelMetadata}
 * @throws {Error} not a model of this toolkit, cut short, or of an unknown version
 */
export function readMetadata(model) {
  const entries = new Map();
  for (const entry of fields(model)) {
    if (entry.number === METADATA_PROPS) {
      const parts = [...fields(entry.bytes)];
      const text = (number) => decodeText(parts.find((part) => part.number === number)?.bytes);
      entries.set(text(KEY), text(VALUE));
    }
  }
  const entry = (name) => {
    if (!entries.has(name)) throw new Error(`not a model of attention_ocr: ${name} is missing`);
    return entries.get(name);
  };
  const version = JSON.parse(entry("attention_ocr.json")).format_version;
  if (version !== FORMAT_VERSION) {
    throw new Error(`this page reads format_version ${FORMAT_VERSION}. Received: ${version}`);
  }
  const config = JSON.parse(entry("config.json"));
  return {
    image: config.image,
    characters: readCharacters(entry("charset.txt")),
    maxLength: config.model.max_length,
  };
}

/**
 * Spell token ids, up to the first end token.
 *
 * @param {string[]} characters of the model
 * @param {Iterable<number>} tokenIds
 * @returns {string[]} the characters of the text
 */
export function spell(characters, tokenIds) {
  const text = [];
  for (const tokenId of tokenIds) {
    if (tokenId === END_ID) break;
    // Exports of older releases may hold it; it cannot be shown, but its place counts.
    if (tokenId === UNKNOWN_ID) text.push("");
    if (tokenId >= FIRST_CHARACTER_ID) text.push(characters[tokenId - FIRST_CHARACTER_ID]);
  }
  return text;
}

function readCharacters(charset) {
  const lines = charset.split("\n");
  if (lines.at(-1) === "") lines.pop();
  // A character, then, after a tab, the glyphs that are read as it; the tab may be a character.
  return lines.map((line) => String.fromCodePoint(line.codePointAt(0)));
}

function decodeText(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes ?? new Uint8Array());
}

/** Walk over the fields of a serialised protobuf message; `bytes` is missing for a number. */
function* fields(message) {
  let place = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; place < message.length; factor *= 128) {
      const byte = message[place++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Error("the file is cut short");
  };
  while (place < message.length) {
    const tag = varint();
    const field = { number: Math.floor(tag / 8), bytes: undefined };
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) place += 8;
    else if (kind === 5) place += 4;
    else if (kind === 2) {
      const length = varint();
      field.bytes = message.subarray(place, place + length);
      place += length;
    } else throw new Error("not an .onnx file");
    if (place > message.length) throw new Error("the file is cut short");
    yield field;
  }
}
