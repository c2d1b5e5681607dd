import assert from "node:assert";
import { test } from "node:test";

import { Generator } from "../src/engine/random.js";
import { makeScheduler } from "../src/engine/schedulers.js";
import { difference, expected, skip } from "./expected.js";

const CONFIG = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  prediction_type: "v_prediction",
  timestep_spacing: "leading",
  steps_offset: 1,
  set_alpha_to_one: false,
};

// torch's square root is not always the nearest float32, so the last bits may differ; relative to the largest number.
function same(wanted, found, said) {
  const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  const relative = difference(wanted, found) / largest;
  assert.ok(relative <= 2e-6, `${said}: ${relative}`);
}

test("each step is that of diffusers but for rounding", { skip }, () => {
  for (const { name, config, steps, begin, eta, timesteps, samples } of expected("schedulers")) {
    const said = `${name}, ${steps} steps from ${begin}, eta ${eta}`;
    const scheduler = makeScheduler(name, config);
    scheduler.setTimesteps(steps);
    assert.deepEqual(scheduler.timesteps, timesteps, said);
    scheduler.setBegin(begin);
    const generator = new Generator(7);
    const draw = () => generator.normal(samples[0].length);
    const [start, noise] = [draw(), draw()];
    const rest = timesteps.slice(begin, begin + samples.length - 1);
    const first = begin ? scheduler.addNoise(start, noise, rest[0]) : start.map((x) => x * scheduler.initNoiseSigma);
    same(samples[0], first, `${said}: the start`);
    for (const [i, timestep] of rest.entries()) {
      const sample = Float32Array.from(samples[i]);
      const seen = scheduler.scaleModelInput(sample);
      const answer = draw();
      for (let j = 0; j < seen.length; j++) answer[j] = answer[j] + seen[j]; // an answer that depends on the sample
      same(samples[i + 1], scheduler.step(answer, timestep, sample, { eta, draw }), `${said}: step ${i + 1}`);
    }
  }
});

test("the noise levels are diffusers', to the bit", { skip }, () => {
  const [{ config }] = expected("schedulers");
  assert.equal(difference(expected("alphas"), makeScheduler("DDIMScheduler", config).alphas), 0);
});

test("PNDM asks one timestep twice, if it has more than one", () => {
  const timesteps = (steps) => {
    const scheduler = makeScheduler("PNDMScheduler", CONFIG);
    scheduler.setTimesteps(steps);
    return scheduler.timesteps;
  };
  assert.deepEqual(timesteps(1), [1]);
  assert.deepEqual(timesteps(3), [667, 334, 334, 1]);
});

test("what is not written here is refused, not drawn wrongly", () => {
  assert.throws(() => makeScheduler("LMSDiscreteScheduler", CONFIG), /give one of DDIMScheduler/);
  for (const other of [{ prediction_type: "epsilon" }, { timestep_spacing: "trailing" }, { clip_sample: true }]) {
    assert.throws(() => makeScheduler("DDIMScheduler", { ...CONFIG, ...other }), /only/);
  }
});
