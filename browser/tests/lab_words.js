// Write the unknown words and the marks of prompts, for a test in Python.
//
// Takes {known, prompts}; returns a list of {unknown: {word: near words}, marks: [texts]}.

import { text } from "node:stream/consumers";

import { marksOf } from "../src/lab/marks.js";
import { unknownWords } from "../src/lab/words.js";

const { known, prompts } = JSON.parse(await text(process.stdin));
const answers = prompts.map((prompt) => ({
  unknown: Object.fromEntries(unknownWords(prompt, known)),
  marks: marksOf(prompt),
}));
process.stdout.write(JSON.stringify(answers));
