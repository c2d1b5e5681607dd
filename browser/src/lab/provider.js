// The choice of what computes, offered where the browser has a graphics card for it.

import { element } from "./elements.js";

const PROVIDERS = ["wasm", "webgpu"];

/** Return {element, value, isDisabled} of the choice: "wasm", the processor, or "webgpu". `changed()` follows a change. */
export function providerChoice(texts, changed) {
  const options = PROVIDERS.map((value) => element("option", { value }, texts[`provider_${value}`]));
  const select = element("select", { onchange: changed }, ...options);
  const made = element("label", { class: "sd-provider", hidden: true }, texts.computesOn, select);
  const offer = (adapter) => (made.hidden = !adapter);
  navigator.gpu?.requestAdapter().then(offer, () => {}); // a browser that refuses has none for us
  return {
    element: made,
    get value() {
      return select.value;
    },
    set isDisabled(is) {
      select.disabled = is;
    },
  };
}
