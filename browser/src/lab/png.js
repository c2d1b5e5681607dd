// PNG files with texts in them, written byte by byte: what a canvas writes holds no texts, and not always its pixels.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const LATIN1 = /^[\0-\xff]*$/;

/** Return the bytes of a PNG of an opaque picture; `texts` maps keywords to texts of any language. */
export async function pngOf(image, texts = {}) {
  const chunks = [
    chunk("IHDR", [...bigEndian(image.width), ...bigEndian(image.height), 8, 2, 0, 0, 0]), // 8 bits, RGB
    ...Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text)),
    chunk("IDAT", await packed(rows(image))),
    chunk("IEND", []),
  ];
  return joined([Uint8Array.from(SIGNATURE), ...chunks]);
}

/** Return bytes in base64. */
export function base64(bytes) {
  let text = "";
  for (let place = 0; place < bytes.length; place += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(place, place + 0x8000));
  }
  return btoa(text);
}

/** Return the lines of a picture, each as the differences of its pixels from those on their left (filter 1). */
function rows({ width, height, data }) {
  const bytes = new Uint8Array(height * (1 + 3 * width));
  let place = 0;
  for (let row = 0; row < height; row += 1) {
    bytes[place++] = 1;
    for (let column = 0; column < width; column += 1) {
      const pixel = (row * width + column) * 4;
      for (let channel = pixel; channel < pixel + 3; channel += 1) {
        bytes[place++] = data[channel] - (column ? data[channel - 4] : 0);
      }
    }
  }
  return bytes;
}

async function packed(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function textChunk(keyword, text) {
  const latin1 = (value) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
  if (LATIN1.test(text)) return chunk("tEXt", joined([latin1(keyword), [0], latin1(text)]));
  // not compressed, no language, no translated keyword
  return chunk("iTXt", joined([latin1(keyword), [0, 0, 0, 0, 0], new TextEncoder().encode(text)]));
}

function chunk(kind, data) {
  const body = joined([Uint8Array.from(kind, (letter) => letter.charCodeAt(0)), data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return joined([bigEndian(data.length), body, bigEndian(~crc)]);
}

function bigEndian(number) {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}
