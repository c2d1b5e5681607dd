// What is told beside a control: what has no effect now, and which words the model has never read.

import { marksOf } from "./marks.js";
import { unknownWords } from "./words.js";

const MOST_WORDS = 5; // that are told of a prompt

/** Return the sentence for what has no effect: `reason` is the engine's word for why, `text` what was cut off. */
export function effectOf({ reason, text }, texts) {
  const sentence = texts[`effect_${reason}`];
  return typeof sentence === "function" ? sentence(text) : sentence;
}

/** Return the sentences about the commands of other programs in a prompt, and its words that are not among `known`. */
export function aboutWords(prompt, known, texts) {
  const marks = marksOf(prompt).map((mark) => texts.mark(mark));
  const words = [...unknownWords(prompt, known)].map(([word, near]) => texts.neverRead(word, near));
  return [...marks, ...words].slice(0, MOST_WORDS);
}

/** Return the sentence for a part of an address that cannot be used. */
export function addressNote({ name, value, code }, texts) {
  return code === "unknown" ? texts.addressUnknown(name) : texts.addressWrong(name, value);
}
