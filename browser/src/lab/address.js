// Settings in the part of an address behind "#", which no server gets to see.
//
// What comes from an address may come from a stranger: names and values are checked as a person's are, and what does
// not pass is told and left out. A picture is never in it, only the name of a sample picture.

import { SAMPLES } from "./sample_pictures.js";
import { NAMES, problemOf, SETTINGS, valueOf } from "./settings.js";

const SHOWN_LETTERS = 40; // of what a stranger wrote

const LEFT_OUT = ["negative_prompt", "eta", "guidance_rescale"]; // where they are as at first

/** Return the text behind "#" for values; `sample` is the name of the sample picture they start from, or null. */
export function toAddress(values, sample = null) {
  const told = NAMES.filter((name) => {
    if (name === "strength") return sample !== null;
    return !(LEFT_OUT.includes(name) && values[name] === SETTINGS[name].start);
  });
  const pairs = told.map((name) => [name, String(values[name])]);
  return new URLSearchParams(sample === null ? pairs : [...pairs, ["start", sample]]).toString();
}

/** Return {values, sample, problems} of the text behind "#"; a problem is {name, value, code} and names what was left out. */
export function fromAddress(text) {
  const values = {};
  const problems = [];
  let sample = null;
  for (const [name, given] of new URLSearchParams(text.replace(/^#/, ""))) {
    if (name === "start") {
      if (Object.hasOwn(SAMPLES, given)) sample = given;
      else problems.push({ name, value: short(given), code: "start" });
    } else if (!Object.hasOwn(SETTINGS, name)) {
      problems.push({ name: short(name), value: short(given), code: "unknown" });
    } else {
      const value = valueOf(name, given);
      const code = problemOf(name, value);
      if (code === null) values[name] = value;
      else problems.push({ name, value: short(given), code });
    }
  }
  return { values, sample, problems };
}

function short(text) {
  const letters = [...text];
  return letters.length > SHOWN_LETTERS ? `${letters.slice(0, SHOWN_LETTERS).join("")}…` : text;
}
