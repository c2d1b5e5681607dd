import assert from "node:assert";
import { test } from "node:test";

import { Tokenizer } from "../src/engine/tokenizer.js";
import { expected, skip } from "./expected.js";

test("tokens are those of Python", { skip }, () => {
  const { file, config, prompts } = expected("tokens");
  const tokenizer = new Tokenizer(file, config);
  for (const { prompt, tokens, cut } of prompts) {
    const read = tokenizer.encode(prompt);
    assert.deepEqual(read.tokens, tokens, JSON.stringify(prompt));
    assert.equal(read.cut, cut, JSON.stringify(prompt));
  }
});
