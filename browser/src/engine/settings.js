// The settings of a picture: diffusers' names, checked as sdkit checks them in Python, and which of them do nothing.

import { MAX_SEED } from "./random.js";
import { SCHEDULERS, makeScheduler } from "./schedulers.js";

export const MAX_SIDE = 512; // pixels; the memory of a tab has to do
const FACTOR = 8; // pixels for each number of the latents

/** A setting that cannot be used. `code` is the setting's name, or "unknown" for a name that is none. */
export class SettingsError extends Error {
  name = "SettingsError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const text = (name, value) => {
  if (typeof value !== "string") refuse(name, value, "give a text.");
  if (/\p{Surrogate}/u.test(value)) refuse(name, value, "it holds half a character (a surrogate); leave it out.");
  return value;
};
const number = (low, high) => (name, value) => {
  if (typeof value !== "number" || !(low <= value && value <= high)) {
    refuse(name, value, `give a number from ${low} to ${high}.`);
  }
  return value;
};
const whole = (low, high) => (name, value) => {
  if (!Number.isInteger(value) || value < low || value > high) {
    refuse(name, value, `give a whole number from ${low} to ${high}.`);
  }
  return value;
};
const side = (name, value) => {
  whole(FACTOR, MAX_SIDE)(name, value);
  if (value % FACTOR) refuse(name, value, `give a multiple of ${FACTOR}.`);
  return value;
};
const seed = (name, value) => {
  const isDigits = typeof value === "string" && /^\d+$/.test(value);
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value) || isDigits;
  if (!isWhole || BigInt(value) < 0n || BigInt(value) > MAX_SEED) {
    refuse(name, value, `give a whole number from 0 to ${MAX_SEED}; from 2**53 on as digits or as a BigInt.`);
  }
  return BigInt(value);
};
const scheduler = (name, value) => {
  if (!SCHEDULERS.includes(value)) refuse(name, value, `give one of ${SCHEDULERS.join(", ")}.`);
  return value;
};
const picture = (name, value) => {
  const { data, width, height } = value;
  if (!(data instanceof Uint8ClampedArray) || data.length !== width * height * 4) {
    refuse(name, value, "give an ImageData.");
  }
  for (const length of [width, height]) {
    if (length < FACTOR || length > MAX_SIDE || length % FACTOR) {
      const sides = `multiples of ${FACTOR} up to ${MAX_SIDE}`;
      throw new SettingsError(name, `${name} is ${width} x ${height} pixels; give a picture whose sides are ${sides}.`);
    }
  }
  return value;
};

const CHECKS = {
  prompt: text,
  negative_prompt: text,
  seed,
  num_inference_steps: whole(1, 1000),
  guidance_scale: number(0, 100),
  guidance_rescale: number(0, 1),
  scheduler,
  eta: number(0, 1),
  height: side,
  width: side,
  image: picture,
  strength: number(0, 1),
};
const DEFAULTS = {
  negative_prompt: "",
  seed: 0,
  num_inference_steps: 50,
  guidance_scale: 7.5,
  guidance_rescale: 0,
  eta: 0,
  strength: 0.8,
};

/**
 * Return all settings, those that were left out (or are null) with diffusers' own values.
 *
 * `given` has diffusers' names; `model` is what model.json holds. Throws a SettingsError.
 */
export function completed(given, model) {
  const settings = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new SettingsError("unknown", `there is no setting ${name}; known are ${Object.keys(CHECKS).join(", ")}.`);
    }
    if (value !== undefined && value !== null) settings[name] = CHECKS[name](name, value);
  }
  if (settings.prompt === undefined) refuse("prompt", given.prompt, "give a text, which may be empty.");
  const sides = settings.image ?? { height: model.sample_size, width: model.sample_size };
  const all = { ...DEFAULTS, scheduler: model.scheduler, height: sides.height, width: sides.width, ...settings };
  all.seed = BigInt(all.seed);
  if (all.image) [all.height, all.width] = [sides.height, sides.width];
  all.guided = all.guidance_scale > 1;
  checkSchedule(all, model);
  return all;
}

function checkSchedule(all, model) {
  const steps = all.num_inference_steps;
  const config = model.schedulers[all.scheduler];
  const planned = makeScheduler(all.scheduler, config);
  planned.setTimesteps(steps);
  if (planned.timesteps[0] > planned.lastTimestep) {
    refuse("num_inference_steps", steps, `with ${all.scheduler} give at most ${steps - 1}.`);
  }
  if (all.image && stepsSkipped(all) >= planned.timesteps.length) {
    const least = (1 / steps).toPrecision(2);
    refuse("strength", all.strength, `of ${steps} steps none is left; give at least ${least}, or more steps.`);
  }
}

/** Return how many steps image to image leaves out at the start. */
export function stepsSkipped({ image, num_inference_steps: steps, strength }) {
  return image ? Math.max(steps - Math.min(Math.trunc(steps * strength), steps), 0) : 0;
}

/**
 * Return what was given and cannot change the picture, as a list of `{argument, reason}`.
 *
 * Reasons: "unguided" (guidance is on only above a guidance_scale of 1), "like_1" (a guidance_scale below 1 acts like 1),
 * "scheduler" (this one takes no eta), "no_image" (strength is for image to image), "size_of_image" (the picture has the
 * size of the start), "image" (image to image takes no guidance_rescale), and "cut", with the `text` beyond the last
 * token. `cut` maps prompts to it.
 */
export function withoutEffect(given, all, cut) {
  const found = [];
  const add = (argument, reason, more) => found.push({ argument, reason, ...more });
  const isGiven = (name) => given[name] !== undefined && given[name] !== null;
  if (!all.guided) {
    if (all.negative_prompt) add("negative_prompt", "unguided");
    if (all.guidance_rescale) add("guidance_rescale", "unguided");
    if (all.guidance_scale < 1) add("guidance_scale", "like_1");
  } else if (all.image && all.guidance_rescale) {
    add("guidance_rescale", "image");
  }
  if (all.eta && all.scheduler !== "DDIMScheduler") add("eta", "scheduler");
  if (isGiven("strength") && !all.image) add("strength", "no_image");
  for (const name of ["height", "width"]) {
    if (all.image && isGiven(name) && given[name] !== all[name]) add(name, "size_of_image");
  }
  for (const name of all.guided ? ["prompt", "negative_prompt"] : ["prompt"]) {
    if (cut[name]) add(name, "cut", { text: cut[name] });
  }
  return found;
}

function refuse(name, value, advice) {
  let shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  if (shown.length > 60) shown = `${shown.slice(0, 57)}...`;
  throw new SettingsError(name, `${name} is ${shown}; ${advice}`);
}
