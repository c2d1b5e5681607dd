// What a person takes along of a picture: its file, the code that makes it, a link to its settings.

import { toAddress } from "./address.js";
import { plainCode, sdkitCode } from "./code.js";
import { element } from "./elements.js";
import { savedPicture } from "./record.js";

const LETTERS = 40; // of the prompt in the name of a file
const UNTIL_SAVED = 60_000; // milliseconds; a download begins long before

/** Let the browser save the picture of a result with its record; return the name of the file. */
export async function savePicture(result, model) {
  const name = fileName(result);
  const url = URL.createObjectURL(new Blob([await savedPicture(result, model)], { type: "image/png" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), UNTIL_SAVED);
  return name;
}

/** Return pairs of a heading and code that makes the picture of a result. */
export function codesOf(result, model, texts) {
  const name = fileName(result);
  return [
    [texts.plainCode, plainCode(result.call, model, name)],
    [texts.sdkitCode, sdkitCode(result.call, name)],
  ];
}

/** Put a link to the settings of a result, on the page `page`, on the clipboard; return it, and a sentence about it. */
export async function copyLink({ values, sample, start }, page, texts) {
  const url = new URL(page);
  url.hash = toAddress(values, sample);
  let sentence = texts.linkCopied;
  try {
    await navigator.clipboard.writeText(url.href);
  } catch {
    sentence = texts.linkShown; // the browser does not allow it, or has no clipboard for pages without https
  }
  if (start !== null && sample === null) sentence += ` ${texts.linkWithoutPicture}`;
  return { url: url.href, sentence };
}

/** Return a name that tells pictures of other settings apart: it ends in a digest of all that the call takes. */
export function fileName({ values: { prompt, seed }, call }) {
  const words = prompt.match(/[\p{L}\p{N}]+/gu)?.join("-") ?? "";
  return `${[...words].slice(0, LETTERS).join("") || "picture"}-seed-${seed}-${digestOf(call)}.png`;
}

/** Return four hex digits of the arguments of a call (FNV-1a). */
function digestOf({ image, ...call }) {
  const pairs = Object.entries(call).sort(([a], [b]) => (a < b ? -1 : 1));
  const bytes = [...new TextEncoder().encode(JSON.stringify(pairs)), ...(image?.data ?? [])];
  const digest = bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193), 0x811c9dc5);
  return ((digest >>> 16) ^ (digest & 0xffff)).toString(16).padStart(4, "0");
}
