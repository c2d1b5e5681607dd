// What the lab shows beside its settings: progress, the picture and a pinned one, what can be done with them, history.

import { button, element, pictureElement, putPicture } from "./elements.js";
import { differences, distance } from "./measure.js";

export const HISTORY_LENGTH = 24;

/**
 * Return the view; `act` has what its buttons do: pin, save, code, link, and restore(result) for the history.
 *
 * A result is {number, call, image, seconds, ...}; `what(result)` says in a few words which it is. `provider` is the
 * element with which is chosen what computes.
 */
export function viewOf(texts, what, act, provider) {
  const bar = element("progress", { "aria-label": texts.picture, max: 1, hidden: true });
  const line = element("span", {});
  const status = element("p", { role: "status", class: "sd-hidden" });
  const error = element("p", { role: "alert", class: "sd-error", hidden: true });
  const pinnedFigure = element("figure", { class: "sd-figure", hidden: true });
  const canvas = element("canvas", { role: "img", "aria-label": texts.empty, width: 128, height: 128 });
  const head = element("b", { class: "sd-letter", hidden: true }, "B");
  const figure = element("figure", { class: "sd-figure sd-empty" }, head, canvas);
  const notes = element("ul", { class: "sd-notes", hidden: true });
  const pin = button(texts.pin, act.pin, { disabled: true });
  const save = button(texts.save, act.save, { disabled: true });
  const code = button(texts.code, act.code, { disabled: true, "aria-expanded": "false" });
  const link = button(texts.link, act.link, { disabled: true });
  const difference = element("div", { class: "sd-difference", hidden: true });
  const source = element("div", { class: "sd-source", hidden: true });
  const address = element("p", { class: "sd-address", hidden: true });
  const strip = element("ol", { class: "sd-history", "aria-label": texts.history, hidden: true });
  const backend = element("span", {});

  function show(result, pinned) {
    const isBeside = pinned !== null && result !== null && pinned.number !== result.number;
    pinnedFigure.hidden = !isBeside;
    head.hidden = pinned === null;
    head.textContent = isBeside ? "B" : "A";
    pinnedFigure.replaceChildren();
    difference.hidden = !isBeside;
    if (isBeside) {
      pinnedFigure.append(
        element("b", { class: "sd-letter" }, "A"),
        pictureElement(pinned.image, `A: ${what(pinned)}`),
      );
      difference.replaceChildren(differenceTable(pinned, result, texts));
    }
    figure.parentElement.classList.toggle("sd-two", isBeside);
    for (const one of [pin, save, code, link]) one.disabled = result === null;
    pin.textContent = pinned === null ? texts.pin : texts.unpin;
    hideSource();
    address.replaceChildren();
    address.hidden = true;
    if (result !== null) putPicture(canvas, result.image);
    canvas.setAttribute("aria-label", result === null ? texts.empty : what(result));
    figure.classList.toggle("sd-empty", result === null);
    for (const entry of strip.children) {
      const one = entry.firstElementChild;
      if (Number(one.dataset.number) === result?.number) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
      one.querySelector("span").textContent =
        one.dataset.number + (Number(one.dataset.number) === pinned?.number ? " A" : "");
    }
  }

  function hideSource() {
    source.hidden = true;
    code.setAttribute("aria-expanded", "false");
  }

  return {
    element: element(
      "section",
      { class: "sd-view", "aria-label": texts.picture },
      element("p", { class: "sd-progress" }, line, bar),
      error,
      element("div", { class: "sd-pictures" }, pinnedFigure, figure),
      element("div", { class: "sd-buttons" }, pin, save, code, link),
      notes,
      address,
      source,
      difference,
      strip,
      element("p", { class: "sd-backend" }, backend, provider),
      status,
    ),
    /** Show how far things are: a text, and a part from 0 to 1, or null where there is none. */
    progress(text, part = null) {
      line.textContent = text;
      bar.hidden = part === null;
      if (part !== null) bar.value = part;
    },
    /** Tell those who listen. */
    say(text) {
      status.textContent = text;
    },
    fail(text) {
      error.textContent = text ?? "";
      error.hidden = text === null;
    },
    setStale(isStale) {
      figure.classList.toggle("sd-stale", isStale);
    },
    preview(image) {
      putPicture(canvas, image);
      canvas.setAttribute("aria-label", texts.preview);
      figure.classList.remove("sd-empty", "sd-stale");
    },
    show,
    tellBackend({ provider, threads }) {
      backend.textContent = texts.backend(provider, threads);
    },
    /** Show sentences below the picture. */
    notes(sentences) {
      notes.replaceChildren(...sentences.map((sentence) => element("li", {}, sentence)));
      notes.hidden = sentences.length === 0;
    },
    /** Show code, pairs of a heading and a text with a note above them (or null); or hide what is shown. */
    toggleCode(pairs, note) {
      if (!source.hidden) {
        hideSource();
        return;
      }
      const blocks = pairs.flatMap(([heading, text]) => [
        element("h3", {}, heading, " ", copyButton(text, texts)),
        element("pre", { tabindex: 0, "aria-label": heading }, text),
      ]);
      source.replaceChildren(...(note ? [element("p", {}, note)] : []), ...blocks);
      source.hidden = false;
      code.setAttribute("aria-expanded", "true");
      source.scrollIntoView({ block: "nearest" });
    },
    /** Show a link to the settings, to copy, with a sentence. */
    showLink(url, sentence) {
      const field = element("input", { type: "text", readonly: true, "aria-label": texts.linkLabel });
      field.value = url;
      address.replaceChildren(field, element("span", {}, sentence));
      address.hidden = false;
      field.select();
    },
    /** Add a result to the history, which drops the oldest when it gets long. */
    add(result) {
      const name = texts.earlier(result.number, what(result));
      const thumbnail = pictureElement(result.image, "", { "aria-hidden": "true" });
      thumbnail.removeAttribute("role");
      thumbnail.removeAttribute("aria-label");
      const one = element(
        "button",
        {
          type: "button",
          class: "sd-earlier",
          "aria-label": name,
          title: name,
          "data-number": result.number,
          onclick: () => act.restore(result),
        },
        thumbnail,
        element("span", {}, String(result.number)),
      );
      strip.append(element("li", {}, one));
      if (strip.children.length > HISTORY_LENGTH) strip.firstElementChild.remove();
      strip.hidden = false;
      strip.scrollLeft = strip.scrollWidth;
    },
  };
}

function copyButton(text, texts) {
  const made = button(texts.copy, async () => {
    try {
      await navigator.clipboard.writeText(text);
      made.textContent = texts.copied;
    } catch {
      made.textContent = texts.notCopied; // the browser does not allow it, or the page came without https
    }
  });
  return made;
}

function differenceTable(a, b, texts) {
  const rows = differences(a.call, b.call).map(([name, one, other]) => [
    name,
    inWords(one, texts),
    inWords(other, texts),
  ]);
  rows.push([texts.seconds, a.seconds.toFixed(1), b.seconds.toFixed(1)]);
  const apart = distance(a.image, b.image);
  const cells = rows.map(([name, one, other]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, one), element("td", {}, other)),
  );
  if (apart !== null) {
    const told = element("td", { colspan: 2 }, texts.greyLevels(apart.toFixed(1)));
    cells.push(element("tr", {}, element("th", { scope: "row" }, texts.distance), told));
  }
  const heads = [texts.setting, "A", "B"].map((text) => element("th", { scope: "col" }, text));
  return element(
    "table",
    {},
    element("caption", {}, texts.differs),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...cells),
  );
}

function inWords(value, texts) {
  if (value === undefined) return "–";
  if (value?.data) return texts.picturePixels(value.width, value.height);
  return value === "" ? '""' : String(value);
}
