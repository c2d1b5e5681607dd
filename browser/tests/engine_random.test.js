import assert from "node:assert";
import { test } from "node:test";

import { Generator } from "../src/engine/random.js";
import { difference, expected, skip } from "./expected.js";

test("normal values are torch's", { skip }, () => {
  for (const { seed, draws } of expected("random")) {
    const generator = new Generator(seed);
    for (const values of draws) {
      const largest = difference(values, generator.normal(values.length));
      assert.ok(largest <= 1e-6, `seed ${seed}, ${values.length} values: ${largest}`);
    }
  }
});

test("the noise follows from the lower 32 bits of a seed, given in any way", () => {
  const noise = (seed) => [...new Generator(seed).normal(16)];
  assert.deepEqual(noise(7), noise(7n));
  assert.deepEqual(noise(7), noise("7"));
  assert.deepEqual(noise(7), noise(2n ** 32n + 7n));
  assert.notDeepEqual(noise(7), noise(8));
});

test("a generator moves on", () => {
  const generator = new Generator(0);
  assert.notDeepEqual(generator.normal(16), generator.normal(16));
});
