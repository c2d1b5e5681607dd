// Write what the lab would write of results, for a test in Python: `node lab_texts.js < results.json`.
//
// Takes {backend, model, results: [{call, width, height, seconds}]}, where a call's image is its RGBA bytes; returns a
// list of {png (base64), plain, sdkit}.

import { text } from "node:stream/consumers";

import { plainCode, sdkitCode } from "../src/lab/code.js";
import { base64 } from "../src/lab/png.js";
import { savedPicture } from "../src/lab/record.js";

const { backend, model, results } = JSON.parse(await text(process.stdin));
const written = results.map(async ({ call, width, height, pixels, seconds }) => {
  const image = { width, height, data: Uint8ClampedArray.from(pixels) };
  if (call.image) call.image = { ...image, data: Uint8ClampedArray.from(call.image) };
  return {
    png: base64(await savedPicture({ call, image, seconds, backend }, model)),
    plain: plainCode(call, model, "picture.png"),
    sdkit: sdkitCode(call, "picture.png"),
  };
});
process.stdout.write(JSON.stringify(await Promise.all(written)));
