// The parts of the lab that need no page: node --test browser/tests/

import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { fromAddress, toAddress } from "../src/lab/address.js";
import { literal } from "../src/lab/code.js";
import { differences, distance } from "../src/lab/measure.js";
import { pages } from "../src/lab/pages.js";
import { pngOf } from "../src/lab/png.js";
import { SAMPLES, samplePixels } from "../src/lab/sample_pictures.js";
import { callOf, NAMES, problemOf, SETTINGS, startValues, valueOf, withoutEffect } from "../src/lab/settings.js";
import { fileName } from "../src/lab/take_along.js";
import { TEXTS } from "../src/lab/texts.js";

const picture = (width, height, value = (place) => place % 251) => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, place) => (place % 4 === 3 ? 255 : value(place))),
});

test("both languages have the same texts, with the same number of values in each", () => {
  const shape = (language) =>
    Object.entries(TEXTS[language])
      .map(([key, text]) => [key, typeof text, text.length && typeof text === "function" ? text.length : 0])
      .sort();
  assert.deepEqual(shape("ja"), shape("en"));
  for (const name of [...NAMES, ...Object.keys(SAMPLES)]) assert.ok(TEXTS.ja[name], name);
});

test("every problem and every reason has its text", () => {
  for (const kind of ["Text", "Surrogate", "Choice", "Integer", "Number", "Size"])
    assert.ok(`given${kind}` in TEXTS.en, kind);
  for (const reason of ["unguided", "like_1", "scheduler", "image", "cut"])
    assert.ok(`effect_${reason}` in TEXTS.en, reason);
});

test("the values at first can be used, and those beyond the limits cannot", () => {
  for (const [name, value] of Object.entries(startValues())) assert.equal(problemOf(name, value), null, name);
  const wrong = {
    prompt: ["a".repeat(2001), "\ud800", 5],
    seed: [-1, 1.5, 2 ** 53, NaN, "1"],
    num_inference_steps: [0, 1001, 2.5],
    guidance_scale: [-0.1, 100.1, NaN, Infinity],
    scheduler: ["constructor", "DDIM", ""],
    height: [56, 264, 100],
    strength: [1.01],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) assert.notEqual(problemOf(name, value), null, `${name} ${value}`);
  }
});

test("a number is read only from what is a number whole", () => {
  assert.equal(valueOf("seed", " 12 "), 12);
  assert.equal(valueOf("guidance_scale", "7.5"), 7.5);
  assert.equal(valueOf("guidance_scale", "1e1"), 10);
  for (const text of ["", " ", "0x10", "1,5", "12abc", "Infinity", "--1"])
    assert.ok(Number.isNaN(valueOf("seed", text)), text);
});

test("settings come back from the address that holds them", () => {
  const values = startValues({
    prompt: "猫 & <b>🐱</b> #1 100% a+b",
    negative_prompt: "red=blue",
    seed: 12345,
    guidance_scale: 3.5,
    eta: 0.3,
    scheduler: "PNDMScheduler",
    height: 64,
    strength: 0.35,
  });
  const found = fromAddress(`#${toAddress(values, "fish")}`);
  assert.deepEqual({ ...startValues(found.values) }, values);
  assert.deepEqual([found.sample, found.problems], ["fish", []]);
});

test("an address holds the strength only with the name of a sample picture", () => {
  assert.ok(!toAddress(startValues()).includes("strength"));
  assert.ok(toAddress(startValues(), "house").endsWith("start=house"));
});

test("what is wrong in an address is told, shortened, and left out", () => {
  const long = "x".repeat(5000);
  const hostile = `#seed=-1&guidance_scale=NaN&scheduler=__proto__&start=constructor&__proto__=1&toString=1&height=99999&prompt=${long}&${long}=1&seed=5`;
  const { values, sample, problems } = fromAddress(hostile);
  assert.deepEqual(values, { seed: 5 });
  assert.equal(sample, null);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["integer", "number", "choice", "start", "unknown", "unknown", "size", "text", "unknown"],
  );
  for (const { name, value } of problems) assert.ok(name.length < 50 && value.length < 50);
});

test("the call has the arguments that diffusers takes", () => {
  const fromText = callOf(startValues(), null);
  assert.ok("guidance_rescale" in fromText && !("strength" in fromText) && !("image" in fromText));
  const start = picture(64, 128);
  const fromPicture = callOf(startValues(), start);
  assert.ok(!("guidance_rescale" in fromPicture));
  assert.deepEqual([fromPicture.image, fromPicture.width, fromPicture.height], [start, 64, 128]);
});

test("what has no effect is known beforehand", () => {
  const found = (values, isFromPicture = false) =>
    withoutEffect(startValues(values), isFromPicture).map(({ argument, reason }) => `${argument} ${reason}`);
  assert.deepEqual(found({}), []);
  assert.deepEqual(found({}, true), []);
  assert.deepEqual(found({ guidance_scale: 1, negative_prompt: "red" }), ["negative_prompt unguided"]);
  assert.deepEqual(found({ guidance_scale: 0.5 }), ["guidance_scale like_1"]);
  assert.deepEqual(found({ eta: 0.5, scheduler: "PNDMScheduler" }), ["eta scheduler"]);
  assert.deepEqual(found({ guidance_rescale: 0.5 }, true), ["guidance_rescale image"]);
});

test("the distance is the root mean square of the differences, without opacity", () => {
  const black = picture(8, 8, () => 0);
  assert.equal(
    distance(
      black,
      picture(8, 8, () => 10),
    ),
    10,
  );
  assert.equal(
    distance(
      black,
      picture(8, 16, () => 0),
    ),
    null,
  );
  const other = { ...black, data: black.data.map((value, place) => (place % 4 === 3 ? 0 : value)) };
  assert.equal(distance(black, other), 0);
});

test("differences name what one has and the other has not, and compare pictures by their pixels", () => {
  const a = { seed: 1, eta: 0, image: picture(8, 8) };
  assert.deepEqual(differences(a, { seed: 1, eta: 0, image: picture(8, 8) }), []);
  assert.deepEqual(differences(a, { seed: 2, eta: 0, strength: 0.5, image: a.image }), [
    ["seed", 1, 2],
    ["strength", undefined, 0.5],
  ]);
  assert.equal(differences(a, { ...a, image: picture(8, 8, () => 1) })[0][0], "image");
});

test("a PNG holds the pixels exactly", async () => {
  const made = picture(5, 3);
  const bytes = await pngOf(made, { sdkit: "{}" });
  const chunks = {};
  for (let place = 8; place < bytes.length;) {
    const length = new DataView(bytes.buffer).getUint32(place);
    const kind = String.fromCharCode(...bytes.subarray(place + 4, place + 8));
    chunks[kind] = bytes.subarray(place + 8, place + 8 + length);
    place += 12 + length;
  }
  assert.deepEqual(Object.keys(chunks), ["IHDR", "tEXt", "IDAT", "IEND"]);
  const rows = inflateSync(chunks.IDAT);
  for (let row = 0; row < 3; row += 1) {
    const before = [0, 0, 0];
    for (let place = 0; place < 15; place += 1) {
      const channel = place % 3;
      before[channel] = (before[channel] + rows[row * 16 + 1 + place]) & 255;
      assert.equal(before[channel], made.data[(row * 5 + Math.floor(place / 3)) * 4 + channel]);
    }
  }
});

test("sample pictures are opaque, of the asked size, and differ", () => {
  const made = Object.keys(SAMPLES).map((name) => samplePixels(name, 16, 24));
  for (const pixels of made) {
    assert.equal(pixels.length, 16 * 24 * 4);
    assert.ok(pixels.every((value, place) => place % 4 !== 3 || value === 255));
  }
  assert.equal(new Set(made.map(String)).size, made.length);
});

test("each page has its language, and nothing is left of the template", () => {
  const made = pages();
  assert.deepEqual(Object.keys(made), ["index.html", "ja.html"]);
  for (const [name, text] of Object.entries(made)) {
    assert.ok(!/{{|undefined|https?:(?!\/\/localhost:)/.test(text), name);
    assert.ok(text.includes(`<html lang="${name === "ja.html" ? "ja" : "en"}">`));
  }
});

test("texts are written as Python writes them", () => {
  assert.equal(literal("it's"), '"it\'s"');
  assert.equal(literal("a\u200db\n"), "'a\\u200db\\n'");
  assert.equal(literal(null), "None");
});

test("digits of Japanese keyboards are numbers", () => {
  assert.equal(valueOf("seed", " ７ "), 7);
  assert.equal(valueOf("guidance_scale", "－２．５"), -2.5);
  assert.equal(valueOf("guidance_scale", "\u2212１"), -1);
});

test("names of files tell settings and start pictures apart", () => {
  const named = (call) => fileName({ values: { prompt: "a cat, いぬ", seed: 3 }, call });
  const names = [{ eta: 0 }, { eta: 0.5 }, { eta: 0, image: picture(8, 8) }, { eta: 0, image: picture(8, 8, () => 1) }].map(named);
  assert.match(names[0], /^a-cat-いぬ-seed-3-[0-9a-f]{4}\.png$/);
  assert.equal(new Set(names).size, names.length);
  assert.equal(named({ eta: 0 }), names[0]);
});
