// The page of the lab alone, in the language of its document.

import { mountLab } from "./lab.js";
import { TEXTS } from "./texts.js";

const language = document.documentElement.lang;
const settings = { prompt: TEXTS[language].firstPrompt };
mountLab(document.querySelector("#lab"), { base: ".", language, settings, autorun: true, ownsAddress: true });

// The settings go along to the page in the other language.
const other = document.querySelector("header a[hreflang]");
other.addEventListener("click", () => (other.hash = location.hash));
