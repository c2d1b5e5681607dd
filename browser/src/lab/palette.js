// What the model can draw: a hundred things, the name of each of which is a prompt.

import { button, element } from "./elements.js";

/** Return {element, fill(objects)} of the palette; `choose(name)` is called with what is pressed. */
export function paletteOf(texts, language, choose) {
  const place = element("div", { class: "sd-objects" });
  return {
    element: element(
      "details",
      { class: "sd-palette" },
      element("summary", {}, texts.palette),
      element("p", { class: "sd-does" }, texts.paletteHint),
      place,
    ),
    /** Show objects, each of which has its names by language. */
    fill(objects) {
      const names = objects.map((one) => one[language]);
      place.replaceChildren(...names.map((name) => button(name, () => choose(name))));
    },
  };
}
