// The pages of the lab, one for each language, made from one template.

import { readFileSync } from "node:fs";
import { TEXTS } from "./texts.js";

const FILES = { en: "index.html", ja: "ja.html" };

/** Return {file name: HTML} of the lab's pages. */
export function pages() {
  const template = readFileSync(new URL("page.html", import.meta.url), "utf8");
  return Object.fromEntries(
    Object.entries(FILES).map(([language, name]) => {
      const other = language === "en" ? "ja" : "en";
      const values = { ...TEXTS[language], language, other, otherPage: FILES[other] };
      return [name, template.replace(/{{(\w+)}}/g, (_, key) => values[key])];
    }),
  );
}
