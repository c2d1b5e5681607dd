// Pictures as the VAE takes and gives them: values of -1 to 1, one colour behind the other.

const { fround } = Math;

/** Return the values of a picture's red, green and blue; what is transparent counts as opaque, as in diffusers. */
export function valuesOf({ data, width, height }) {
  const pixels = width * height;
  const values = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    for (let colour = 0; colour < 3; colour++) {
      values[colour * pixels + i] = fround(2 * fround(data[4 * i + colour] / 255)) - 1;
    }
  }
  return values;
}

/** Return the picture, `{data, width, height}` as an ImageData has them, that values stand for. */
export function pictureOf(values, width, height) {
  const pixels = width * height;
  const data = new Uint8ClampedArray(4 * pixels).fill(255);
  for (let i = 0; i < pixels; i++) {
    for (let colour = 0; colour < 3; colour++) {
      const share = Math.min(Math.max(fround(fround(values[colour * pixels + i] * 0.5) + 0.5), 0), 1);
      data[4 * i + colour] = fround(share * 255); // a clamped array rounds halves to even, as numpy does
    }
  }
  return { data, width, height };
}
