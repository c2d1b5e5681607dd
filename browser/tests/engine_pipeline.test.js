import assert from "node:assert";
import { test } from "node:test";

import { pictureOf, valuesOf } from "../src/engine/pictures.js";
import { Pipeline } from "../src/engine/pipeline.js";

const CONFIG = { num_train_timesteps: 1000, beta_start: 0.00085, beta_end: 0.012, steps_offset: 1 };
const MODEL = {
  sample_size: 32,
  latent_channels: 4,
  vae_scale_factor: 8,
  scaling_factor: 0.18215,
  scheduler: "DDIMScheduler",
  schedulers: { DDIMScheduler: CONFIG, PNDMScheduler: CONFIG },
};
const TOKENIZER = { encode: (text) => ({ tokens: [text], cut: text.slice(9) }) };

/** Networks that note how they are called. */
function networks() {
  const calls = [];
  return {
    calls,
    async encodeText(tokens) {
      calls.push(["encodeText", ...tokens.flat()]);
      return tokens;
    },
    async predict(sample, timestep, states, shape) {
      calls.push(["predict", timestep, shape]);
      return states.map(() => new Float32Array(sample.length).fill(0.1));
    },
    async decode(latents, shape) {
      calls.push(["decode", shape]);
      return new Float32Array(3 * 64 * shape[2] * shape[3]);
    },
    async encode(values, shape) {
      calls.push(["encode", shape]);
      return new Float32Array((8 * shape[2] * shape[3]) / 64);
    },
  };
}

async function made(settings, options, parts = networks()) {
  const result = await new Pipeline(parts, TOKENIZER, MODEL).generate({ prompt: "a cat", ...settings }, options);
  return { ...result, calls: parts.calls };
}

test("one call of the UNet for each step, both prompts at once", async () => {
  const { calls, steps, timesteps, image } = await made({ num_inference_steps: 2, height: 16, width: 24 });
  assert.deepEqual(calls, [
    ["encodeText", "", "a cat"],
    ["predict", 501, [1, 4, 2, 3]],
    ["predict", 1, [1, 4, 2, 3]],
    ["decode", [1, 4, 2, 3]],
  ]);
  assert.deepEqual([steps, timesteps], [2, [501, 1]]);
  assert.deepEqual([image.width, image.height, image.data.length], [24, 16, 4 * 24 * 16]);
});

test("without guidance the negative prompt is not read", async () => {
  const { calls, noEffect } = await made({ num_inference_steps: 1, guidance_scale: 1, negative_prompt: "a dog" });
  assert.deepEqual(calls[0], ["encodeText", "a cat"]);
  assert.deepEqual(noEffect, [{ argument: "negative_prompt", reason: "unguided" }]);
});

test("what is cut off is said", async () => {
  const { noEffect } = await made({ num_inference_steps: 1, prompt: "a cat on a mat" });
  assert.deepEqual(noEffect, [{ argument: "prompt", reason: "cut", text: "a mat" }]);
});

test("image to image begins with the picture, some steps later", async () => {
  const image = { data: new Uint8ClampedArray(4 * 16 * 8), width: 16, height: 8 };
  const settings = { image, strength: 0.5, num_inference_steps: 4 };
  const { calls, timesteps } = await made(settings);
  assert.deepEqual(calls[1], ["encode", [1, 3, 8, 16]]);
  assert.deepEqual(timesteps, [251, 1]);
  assert.deepEqual((await made({ ...settings, scheduler: "PNDMScheduler" })).timesteps, [501, 251, 1]);
});

test("steps are told, previews only now and then", async () => {
  const told = [];
  const slow = networks();
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const { predict, decode } = slow;
  slow.predict = (...given) => wait(50).then(() => predict(...given));
  slow.decode = (...given) => wait(30).then(() => decode(...given));
  const options = { onStep: (step) => void told.push(step), previews: true };
  await made({ num_inference_steps: 16 }, options, slow);
  assert.deepEqual(told.map(({ step }) => step), Array.from({ length: 16 }, (_, i) => i + 1));
  const previews = told.filter(({ preview }) => preview !== null).length;
  assert.ok(previews >= 1 && previews <= 4, `${previews} previews in 0.8 s`);
  assert.equal(told.at(-1).preview, null);
});

test("what onStep throws ends the work", async () => {
  const parts = networks();
  const onStep = ({ step }) => {
    if (step === 2) throw new Error("enough");
  };
  await assert.rejects(made({ num_inference_steps: 9 }, { onStep }, parts), /enough/);
  assert.equal(parts.calls.filter(([name]) => name === "predict").length, 2);
});

test("values of a picture and back", () => {
  const data = Uint8ClampedArray.from({ length: 4 * 64 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7) % 256));
  const values = valuesOf({ data, width: 8, height: 8 });
  assert.deepEqual(pictureOf(values, 8, 8), { data, width: 8, height: 8 });
  assert.deepEqual([...pictureOf(Float32Array.of(-3, 0, 3), 1, 1).data], [0, 128, 255, 255]);
});
