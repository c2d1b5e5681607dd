// The Python code that makes a picture: with diffusers alone, as sdkit/record/plain_code.py writes it, or with sdkit.

import { pipelineOf } from "./record.js";

// Arguments in the order of diffusers' signatures, with their defaults there (undefined: always written).
const FROM_TEXT = {
  prompt: undefined,
  height: undefined,
  width: undefined,
  num_inference_steps: 50,
  guidance_scale: 7.5,
  negative_prompt: "",
  eta: 0,
  guidance_rescale: 0,
};
const FROM_PICTURE = {
  prompt: undefined,
  image: undefined,
  strength: 0.8,
  num_inference_steps: 50,
  guidance_scale: 7.5,
  negative_prompt: "",
  eta: 0,
};
// What the model's schedulers have otherwise than their classes by themselves.
const OWN_CONFIG = {
  DDIMScheduler: [
    "beta_start",
    "beta_end",
    "beta_schedule",
    "clip_sample",
    "set_alpha_to_one",
    "steps_offset",
    "prediction_type",
  ],
  PNDMScheduler: ["beta_start", "beta_end", "beta_schedule", "skip_prk_steps", "prediction_type", "steps_offset"],
  EulerAncestralDiscreteScheduler: [
    "beta_start",
    "beta_end",
    "beta_schedule",
    "prediction_type",
    "timestep_spacing",
    "steps_offset",
  ],
};

/** Return the code for diffusers alone; a start picture is read from the file `path` that the lab saves. */
export function plainCode(call, model, path) {
  const kind = pipelineOf(call);
  const config = model.schedulers[call.scheduler];
  return lines([
    "import torch",
    `from diffusers import ${[kind, call.scheduler].sort().join(", ")}`,
    "",
    `from sdkit import model_path${call.image ? ", read_settings" : ""}`,
    "",
    `pipe = ${kind}.from_pretrained(model_path(), dtype=torch.float32)`,
    `pipe.scheduler = ${call.scheduler}(`,
    ...OWN_CONFIG[call.scheduler].map((name) => `    ${name}=${literal(config[name])},`),
    ")",
    ...stored(call, path, "read_settings"),
    "image = pipe(",
    ...changed(call).map(([name, text]) => `    ${name}=${text},`),
    `    generator=torch.Generator("cpu").manual_seed(${call.seed}),`,
    ").images[0]",
  ]);
}

/** Return the code for sdkit, whose strict call ignores nothing in silence. */
export function sdkitCode(call, path) {
  const isOwn = call.scheduler === "DDIMScheduler";
  const classes = [...(call.image ? [pipelineOf(call)] : []), ...(isOwn ? [] : [call.scheduler])].sort();
  return lines([
    ...(classes.length ? [`from diffusers import ${classes.join(", ")}`, ""] : []),
    "import sdkit as sd",
    "",
    "pipe = sd.load_pipeline()",
    ...(isOwn ? [] : [`pipe.scheduler = ${call.scheduler}.from_config(pipe.scheduler.config)`]),
    ...(call.image ? [`pipe = ${pipelineOf(call)}.from_pipe(pipe)`] : []),
    ...stored(call, path, "sd.read_settings"),
    "shot = sd.generate(",
    "    pipe,",
    ...changed(call).map(([name, text]) => `    ${name}=${text},`),
    `    seed=${call.seed},`,
    ")[0]",
  ]);
}

function stored(call, path, read) {
  return call.image ? [`stored = ${read}(${literal(path)})["settings"]`] : [];
}

/** Return [name, value as Python writes it] for the arguments that differ from diffusers' defaults. */
function changed(call) {
  const defaults = call.image ? FROM_PICTURE : FROM_TEXT;
  return Object.keys(defaults)
    .filter((name) => call[name] !== defaults[name])
    .map((name) => [name, name === "image" ? 'stored["image"]' : literal(call[name])]);
}

/** Return a value as Python writes it. */
export function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? text(value) : String(value);
}

// What Python's repr does not print as it stands: control, format and private characters, and blanks but the usual one.
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

function text(value) {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const letters = [...value].map((letter) => {
    if (letter === quote || letter === "\\") return `\\${letter}`;
    if (letter === " " || !UNPRINTABLE.test(letter)) return letter;
    const code = letter.codePointAt(0);
    const short = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
    if (short) return short;
    const digits = code.toString(16);
    if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
  });
  return quote + letters.join("") + quote;
}

function lines(all) {
  return `${all.join("\n")}\n`;
}
