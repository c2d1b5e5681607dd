import assert from "node:assert";
import { test } from "node:test";

import { SettingsError, completed, stepsSkipped, withoutEffect } from "../src/engine/settings.js";

const CONFIG = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
};
const MODEL = {
  sample_size: 128,
  scheduler: "DDIMScheduler",
  schedulers: { DDIMScheduler: CONFIG, PNDMScheduler: CONFIG, EulerAncestralDiscreteScheduler: CONFIG },
};
const PICTURE = { data: new Uint8ClampedArray(4 * 64 * 96), width: 64, height: 96 };

test("what is left out gets diffusers' values", () => {
  const all = completed({ prompt: "a cat", negative_prompt: null, eta: undefined }, MODEL);
  assert.deepEqual(all, {
    prompt: "a cat",
    negative_prompt: "",
    seed: 0n,
    num_inference_steps: 50,
    guidance_scale: 7.5,
    guidance_rescale: 0,
    scheduler: "DDIMScheduler",
    eta: 0,
    height: 128,
    width: 128,
    strength: 0.8,
    guided: true,
  });
});

const REFUSED = {
  prompt: [undefined, 3, ["a"], "half \ud83d"],
  negative_prompt: [false],
  seed: [-1, 1.5, 2 ** 53, 2n ** 64n, "1e3", "", true, [1]],
  num_inference_steps: [0, 2.5, "20", 1000, NaN],
  guidance_scale: [-1, 101, NaN, "7"],
  guidance_rescale: [1.1],
  scheduler: ["DDIM", 1],
  eta: [-0.1, 2],
  height: [7, 60, 520, 8.5],
  width: ["64"],
  image: [{}, 1, { ...PICTURE, width: 65 }, { data: new Uint8ClampedArray(4 * 9 * 8), width: 9, height: 8 }],
  strength: [1.5, -0.1],
};

for (const [name, values] of Object.entries(REFUSED)) {
  for (const value of values) {
    test(`${name} ${typeof value === "object" ? JSON.stringify(value)?.slice(0, 40) : String(value)} is refused`, () => {
      const given = { prompt: "a cat", [name]: value };
      assert.throws(
        () => completed(given, MODEL),
        (error) => error instanceof SettingsError && error.code === name && error.message.startsWith(name),
      );
    });
  }
}

test("an unknown name is refused", () => {
  assert.throws(() => completed({ prompt: "a cat", steps: 3 }, MODEL), { code: "unknown", message: /no setting steps/ });
});

test("seeds have 64 bits", () => {
  for (const seed of [0, 7n, "18446744073709551615", 2n ** 64n - 1n]) {
    assert.equal(completed({ prompt: "", seed }, MODEL).seed, BigInt(seed));
  }
});

test("a start picture gives the size, and strength leaves steps out", () => {
  const all = completed({ prompt: "", image: PICTURE, height: 128, num_inference_steps: 10, strength: 0.55 }, MODEL);
  assert.deepEqual([all.height, all.width], [96, 64]);
  assert.equal(stepsSkipped(all), 5);
  assert.equal(stepsSkipped({ ...all, image: undefined }), 0);
  assert.throws(() => completed({ ...all, guided: undefined, strength: 0.05 }, MODEL), { code: "unknown" });
  assert.throws(() => completed({ prompt: "", image: PICTURE, num_inference_steps: 10, strength: 0.05 }, MODEL), {
    code: "strength",
  });
});

test("what has no effect is reported", () => {
  const found = (given, cut = {}) => withoutEffect(given, completed(given, MODEL), cut);
  assert.deepEqual(found({ prompt: "a" }), []);
  assert.deepEqual(found({ prompt: "a", guidance_scale: 0.5, negative_prompt: "b", guidance_rescale: 0.5 }), [
    { argument: "negative_prompt", reason: "unguided" },
    { argument: "guidance_rescale", reason: "unguided" },
    { argument: "guidance_scale", reason: "like_1" },
  ]);
  assert.deepEqual(found({ prompt: "a", eta: 1, scheduler: "PNDMScheduler" }), [
    { argument: "eta", reason: "scheduler" },
  ]);
  assert.deepEqual(found({ prompt: "a", strength: 0.5 }), [{ argument: "strength", reason: "no_image" }]);
  assert.deepEqual(found({ prompt: "a", image: PICTURE, height: 64, width: 64, guidance_rescale: 1 }), [
    { argument: "guidance_rescale", reason: "image" },
    { argument: "height", reason: "size_of_image" },
  ]);
  assert.deepEqual(found({ prompt: "a" }, { prompt: "cat", negative_prompt: "" }), [
    { argument: "prompt", reason: "cut", text: "cat" },
  ]);
  assert.deepEqual(found({ prompt: "a", guidance_scale: 1 }, { prompt: "", negative_prompt: "dog" }), []);
});
