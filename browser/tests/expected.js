// Answers of Python, made by the tests in tests/browser/ when they run these.

import { readFileSync } from "node:fs";
import path from "node:path";

const folder = process.env.EXPECTED;
/** Why a test that compares with Python is left out; false where Python's answers are there. */
export const skip = folder ? false : "Python's answers are missing: python -m pytest tests/browser";

/** Return what a file of answers holds. */
export function expected(name) {
  return JSON.parse(readFileSync(path.join(folder, `${name}.json`)));
}

/** Return the largest difference of two lists of numbers. */
export function difference(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} numbers and ${b.length}`);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
