// The controls of the settings: each has a label, what it does in a few words, and a place for what is to be told.

import { button, element } from "./elements.js";
import { problemOf, SCHEDULERS, SETTINGS, valueOf } from "./settings.js";

const HIGHEST_NEW_SEED = 9999; // short numbers are told more easily
let count = 0; // of all controls of a page, for their ids

/**
 * Return the control of a setting: {element, name, value, problem, tell, mark}.
 *
 * `value` is what stands in it, `problem` a sentence that says why that cannot be used, or null. `tell(text)` shows a
 * note below it, `mark()` shows its problem. `changed()` is called after each change that is complete: a slider let go,
 * Enter or leaving in a field, a choice.
 */
export function controlOf(name, start, texts, changed) {
  const { kind } = SETTINGS[name];
  const id = `sd-${name}-${(count += 1)}`;
  const parts = (kind === "text" ? textField : kind === "choice" ? choice : numberField)(name, id, texts, changed);
  const note = element("p", { class: "sd-note", id: `${id}-note`, hidden: true });
  const head = element(
    "div",
    { class: "sd-head" },
    element("label", { for: id }, element("code", {}, name)),
    element("span", { class: "sd-does", id: `${id}-does` }, texts[name]),
  );
  parts.main.setAttribute("aria-describedby", `${id}-does ${id}-note`);
  const made = {
    name,
    element: element("div", { class: "sd-control", "data-name": name }, head, parts.element, note),
    get value() {
      return parts.get();
    },
    set value(value) {
      parts.set(value);
      made.tell(null);
    },
    get problem() {
      return sentenceOf(name, parts.get(), parts.given(), texts);
    },
    tell(text, isProblem = false) {
      note.hidden = text === null;
      note.textContent = text ?? "";
      note.classList.toggle("sd-problem", isProblem);
      const folded = made.element.closest("details");
      if (text !== null && folded) folded.open = true; // what is told must be seen
      for (const input of parts.inputs) input.setAttribute("aria-invalid", String(isProblem));
    },
    mark() {
      made.tell(made.problem, made.problem !== null);
    },
    focus() {
      parts.inputs.at(-1).focus();
    },
  };
  parts.set(start);
  return made;
}

/** Return a sentence that says what came and what is expected, or null for a value that can be used. */
function sentenceOf(name, value, given, texts) {
  const code = problemOf(name, value);
  if (code === null) return null;
  const sentence = texts[`given${code[0].toUpperCase()}${code.slice(1)}`];
  const { low, high } = SETTINGS[name];
  return typeof sentence === "string" ? sentence : sentence(given.trim() || texts.nothing, low, high);
}

function textField(name, id, texts, changed) {
  const input = element("input", { type: "text", id, autocomplete: "off", spellcheck: "false", onchange: changed });
  return partsOf(input);
}

function choice(name, id, texts, changed) {
  const options = Object.entries(SCHEDULERS).map(([value, label]) => element("option", { value }, label));
  const select = element("select", { id, onchange: changed }, ...options);
  return partsOf(select);
}

/** Return the parts of a control that is one field, whose value is used as it stands there. */
function partsOf(field) {
  const get = () => field.value;
  return { element: field, main: field, inputs: [field], get, given: get, set: (value) => (field.value = value) };
}

/** Return a slider with a field for the exact number, or a field alone with a button for a new seed. */
function numberField(name, id, texts, changed) {
  const { usual, step, kind } = SETTINGS[name];
  const field = element("input", {
    type: "text",
    inputmode: kind === "number" ? "decimal" : "numeric",
    autocomplete: "off",
  });
  const get = () => valueOf(name, field.value);
  if (!usual) {
    field.id = id;
    field.addEventListener("change", changed);
    const renew = () => {
      const before = field.value;
      do field.value = String(Math.floor(Math.random() * (HIGHEST_NEW_SEED + 1)));
      while (field.value === before);
      changed();
    };
    const row = element("div", { class: "sd-row" }, field, button(texts.newSeed, renew));
    const set = (value) => (field.value = String(value));
    return { element: row, main: field, inputs: [field], get, given: () => field.value, set };
  }
  const slider = element("input", { type: "range", id, min: usual[0], max: usual[1], step });
  field.setAttribute("aria-label", texts.exactly(name));
  const fill = () => slider.style.setProperty("--part", (slider.value - usual[0]) / (usual[1] - usual[0]));
  slider.addEventListener("input", () => {
    field.value = slider.value;
    fill();
  });
  slider.addEventListener("change", changed);
  field.addEventListener("change", () => {
    if (Number.isFinite(get())) slider.value = String(get()); // as far as the slider goes
    fill();
    changed();
  });
  const set = (value) => {
    field.value = slider.value = String(value);
    field.value = String(value);
    fill();
  };
  const row = element("div", { class: "sd-row" }, slider, field);
  return { element: row, main: slider, inputs: [slider, field], get, given: () => field.value, set };
}
