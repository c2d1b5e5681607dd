// Elements of a page, made without HTML: a text stays a text, whoever wrote it.

/**
 * Return an element with attributes and children (elements or texts; null ones are left out).
 *
 * An attribute that is false or null is left out, one that is true is empty; "onclick" and the like are listeners.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", class: "sd-button", onclick, ...attributes }, text);
}

/** Return a canvas that shows a picture (ImageData), with a text for those who cannot see it. */
export function pictureElement(image, label, attributes = {}) {
  const canvas = element("canvas", { role: "img", "aria-label": label, ...attributes });
  putPicture(canvas, image);
  return canvas;
}

/** Show a picture (ImageData) in a canvas, which takes its size. */
export function putPicture(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
