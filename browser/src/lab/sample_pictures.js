// Start pictures for those who do not draw: plain shapes, whose pixels are the same in every browser.

const GRID = 4; // samples of a pixel in each direction

const circle = (colour, x, y, radius) => ({ colour, holds: (a, b) => (a - x) ** 2 + (b - y) ** 2 < radius ** 2 });
const ellipse = (colour, x, y, rx, ry) => ({
  colour,
  holds: (a, b) => ((a - x) / rx) ** 2 + ((b - y) / ry) ** 2 < 1,
});
const polygon = (colour, ...corners) => ({ colour, holds: (a, b) => isInside(corners, a, b) });
const all = (colour) => ({ colour, holds: () => true });

/** Shapes by the picture's name, the last one on top; places are shares of the sides. */
export const SAMPLES = {
  house: [
    all([90, 150, 230]),
    polygon([245, 215, 150], [0.24, 0.45], [0.76, 0.45], [0.76, 0.84], [0.24, 0.84]),
    polygon([200, 60, 50], [0.16, 0.47], [0.5, 0.16], [0.84, 0.47]),
    polygon([120, 75, 45], [0.43, 0.6], [0.57, 0.6], [0.57, 0.84], [0.43, 0.84]),
  ],
  fish: [
    all([235, 240, 245]),
    polygon([240, 120, 30], [0.62, 0.5], [0.88, 0.28], [0.88, 0.72]),
    ellipse([250, 150, 40], 0.42, 0.5, 0.3, 0.19),
    circle([30, 30, 40], 0.25, 0.46, 0.032),
  ],
  apple: [
    all([250, 220, 90]),
    circle([210, 40, 45], 0.42, 0.56, 0.22),
    circle([210, 40, 45], 0.58, 0.56, 0.22),
    ellipse([210, 40, 45], 0.5, 0.64, 0.26, 0.2),
    polygon([100, 65, 40], [0.48, 0.38], [0.52, 0.2], [0.56, 0.21], [0.52, 0.38]),
    ellipse([80, 160, 70], 0.62, 0.26, 0.09, 0.045),
  ],
};

/** Return the RGBA bytes (Uint8ClampedArray) of a sample picture, `width` x `height` pixels. */
export function samplePixels(name, width, height) {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const sum = [0, 0, 0];
      for (let part = 0; part < GRID * GRID; part += 1) {
        const x = (column + ((part % GRID) + 0.5) / GRID) / width;
        const y = (row + (Math.floor(part / GRID) + 0.5) / GRID) / height;
        const { colour } = SAMPLES[name].findLast((shape) => shape.holds(x, y));
        colour.forEach((value, channel) => (sum[channel] += value));
      }
      pixels.set([...sum.map((value) => Math.round(value / GRID ** 2)), 255], (row * width + column) * 4);
    }
  }
  return pixels;
}

/** Say whether a point lies in a polygon: a line from it to the left crosses the edges an odd number of times. */
function isInside(corners, x, y) {
  let inside = false;
  corners.forEach(([x1, y1], place) => {
    const [x2, y2] = corners[(place + 1) % corners.length];
    if (y1 > y !== y2 > y && x > x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  });
  return inside;
}
