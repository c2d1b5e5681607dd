// The settings that the lab offers, in the order in which it shows them.
//
// Names and limits are those of diffusers, as sdkit/parameters.py has them, but for seeds, of which a browser holds no
// more than 53 bits exactly, and for sizes, which are kept to what a tab can compute.

import { withoutEffect as reported } from "../engine/settings.js";

const TEXT_LETTERS = 2000; // 77 tokens are read; the rest is cut off

export const SCHEDULERS = { DDIMScheduler: "DDIM", PNDMScheduler: "PNDM", EulerAncestralDiscreteScheduler: "Euler a" };

/** Each setting: its kind, its limits, the range and step of its slider, and what it is at first. */
export const SETTINGS = {
  prompt: { kind: "text", start: "a cat on a blue background" },
  seed: { kind: "integer", low: 0, high: Number.MAX_SAFE_INTEGER, start: 0 },
  num_inference_steps: { kind: "integer", low: 1, high: 1000, usual: [1, 50], step: 1, start: 20 },
  guidance_scale: { kind: "number", low: 0, high: 100, usual: [0, 20], step: 0.5, start: 7.5 },
  scheduler: { kind: "choice", choices: Object.keys(SCHEDULERS), start: "DDIMScheduler" },
  negative_prompt: { kind: "text", start: "" },
  eta: { kind: "number", low: 0, high: 1, usual: [0, 1], step: 0.1, start: 0 },
  guidance_rescale: { kind: "number", low: 0, high: 1, usual: [0, 1], step: 0.1, start: 0 },
  height: { kind: "size", low: 64, high: 256, usual: [64, 256], step: 8, start: 128 },
  width: { kind: "size", low: 64, high: 256, usual: [64, 256], step: 8, start: 128 },
  strength: { kind: "number", low: 0, high: 1, usual: [0, 1], step: 0.05, start: 0.6 },
};

export const NAMES = Object.keys(SETTINGS);

/** Return a value for each setting: the given one, else the usual start. */
export function startValues(given = {}) {
  return Object.fromEntries(NAMES.map((name) => [name, given[name] ?? SETTINGS[name].start]));
}

/** Return why a value cannot be used, as a key of the texts, or null if it can. */
export function problemOf(name, value) {
  const { kind, low, high, choices } = SETTINGS[name];
  if (kind === "text") {
    if (typeof value !== "string" || value.length > TEXT_LETTERS) return "text";
    return /\p{Surrogate}/u.test(value) ? "surrogate" : null;
  }
  if (kind === "choice") return choices.includes(value) ? null : "choice";
  if (typeof value !== "number" || !(value >= low && value <= high)) return kind;
  if (kind === "number") return null;
  return Number.isInteger(value) && (kind !== "size" || value % 8 === 0) ? null : kind;
}

/** Return what a text means as the value of a setting; NaN for a number that is none. */
export function valueOf(name, text) {
  const { kind } = SETTINGS[name];
  if (kind === "text" || kind === "choice") return text;
  const plain = text.normalize("NFKC").replace("\u2212", "-").trim(); // Japanese keyboards write ７ for 7
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/**
 * Return the arguments of the call that values mean, as the engine takes them.
 *
 * `start` is the start picture (ImageData), null for a picture from text alone. The size is then the start picture's,
 * and `guidance_rescale`, which diffusers' image to image does not take, is left out.
 */
export function callOf(values, start) {
  const { strength, height, width, guidance_rescale, ...call } = values;
  if (start === null) return { ...call, guidance_rescale, height, width };
  return { ...call, image: start, strength, height: start.height, width: start.width };
}

/** Return [{argument, reason}] for values that cannot change the picture, with the engine's words for the reasons. */
export function withoutEffect(values, isFromPicture) {
  const all = { ...values, image: isFromPicture, guided: values.guidance_scale > 1 };
  return reported({ ...values, strength: null }, all, {});
}
