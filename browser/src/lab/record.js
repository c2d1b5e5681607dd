// What made a picture, as the texts that sdkit.save_picture writes into a PNG and sdkit.read_settings reads.
//
// The record says that a browser made it: the device is "wasm" or "webgpu", and of the libraries it names
// onnxruntime-web and the sdkit that wrote the model's files. `rebuild` makes the picture again with PyTorch and tells
// the difference.

import { base64, pngOf } from "./png.js";

// What the call of diffusers takes besides, with the defaults that a record of sdkit holds.
const FROM_TEXT = [
  "prompt",
  "height",
  "width",
  "num_inference_steps",
  "timesteps",
  "sigmas",
  "guidance_scale",
  "negative_prompt",
  "num_images_per_prompt",
  "eta",
  "latents",
  "prompt_embeds",
  "negative_prompt_embeds",
  "ip_adapter_image",
  "ip_adapter_image_embeds",
  "output_type",
  "cross_attention_kwargs",
  "guidance_rescale",
  "clip_skip",
  "callback_on_step_end",
  "callback_on_step_end_tensor_inputs",
  "seed",
];
const FROM_PICTURE = [
  "prompt",
  "image",
  "strength",
  ...FROM_TEXT.filter((name) => !["prompt", "height", "width", "latents", "guidance_rescale"].includes(name)),
];
const DEFAULTS = {
  num_images_per_prompt: 1,
  output_type: "pil",
  callback_on_step_end_tensor_inputs: ["latents"],
};
// The web UI's names of the schedulers, as sdkit/schedulers.py has them.
const SAMPLERS = { DDIMScheduler: "DDIM", PNDMScheduler: "PLMS", EulerAncestralDiscreteScheduler: "Euler a" };

/** Return the bytes of a PNG that holds the picture of a result and what made it. */
export async function savedPicture(result, model) {
  const parameters = parametersText(result, model);
  const record = await recordOf(result, model);
  return pngOf(result.image, { parameters, sdkit: JSON.stringify(record) });
}

/** Return the record of a result, as JSON holds it. `result` has `call`, `image`, `seconds` and `backend`. */
export async function recordOf({ call, seconds, backend }, model) {
  const { provider, threads, version } = backend;
  const values = { ...DEFAULTS, ...call, negative_prompt: call.negative_prompt || null };
  if (call.image) values.image = { png: base64(await pngOf(call.image)) };
  const settings = Object.fromEntries(namesOf(call).map((name) => [name, values[name] ?? null]));
  const origin = {
    pipeline: pipelineOf(call),
    model: { name: model.name, revision: null, fingerprint: model.fingerprint },
    scheduler: { class: call.scheduler, config: model.schedulers[call.scheduler] },
    attention: [],
    device: provider,
    dtype: "torch.float32",
    versions: { sdkit: model.versions.sdkit, "onnxruntime-web": version },
    machine: { processor: provider === "webgpu" ? "WebGPU" : "WebAssembly", card: null, threads },
    state: {},
    adapters: {},
    unknown: [`the arithmetic of a browser (onnxruntime-web ${version}, ${provider})`],
  };
  return { settings, origin, seconds };
}

export function pipelineOf(call) {
  return call.image ? "StableDiffusionImg2ImgPipeline" : "StableDiffusionPipeline";
}

function namesOf(call) {
  return call.image ? FROM_PICTURE : FROM_TEXT;
}

/** Return the settings as AUTOMATIC1111's web UI writes them, as sdkit/record/a1111.py does. */
export function parametersText({ call, image }, model) {
  const lines = [escaped(call.prompt)];
  if (call.negative_prompt) lines.push(`Negative prompt: ${escaped(call.negative_prompt)}`);
  const notHeld = [call.guidance_rescale ? "guidance_rescale" : null, call.image ? "image" : null].filter(Boolean);
  const pairs = {
    Steps: call.num_inference_steps,
    Sampler: SAMPLERS[call.scheduler],
    "CFG scale": call.guidance_scale,
    Seed: call.seed,
    Size: `${image.width}x${image.height}`,
    Model: model.name,
    "Denoising strength": call.image ? call.strength : null,
    RNG: "CPU", // the noise is that of torch's generator on a processor
    "Eta DDIM": call.eta || null,
    Version: `sdkit ${model.versions.sdkit}`,
    "Not held here": notHeld.join(", ") || null,
  };
  const told = Object.entries(pairs).filter(([, value]) => value !== null);
  lines.push(told.map(([key, value]) => `${key}: ${quoted(String(value))}`).join(", "));
  return lines.join("\n");
}

function escaped(prompt) {
  return prompt.replace(/([\\()[\]])/g, "\\$1"); // bare brackets are weights there
}

function quoted(text) {
  return /[,:\n"]/.test(text) ? JSON.stringify(text) : text;
}
