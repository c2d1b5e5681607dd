// The start picture of image to image: a sheet to draw on, a sample, a file, or the picture that is shown.

import { button, element, putPicture } from "./elements.js";
import { SAMPLES, samplePixels } from "./sample_pictures.js";

const COLOURS = {
  red: "#d22d2d",
  orange: "#f08c1e",
  yellow: "#fadc5a",
  green: "#50a046",
  blue: "#5a96e6",
  brown: "#784b2d",
  black: "#1e1e28",
  white: "#ffffff",
};
const LINES = { thin: 0.02, thick: 0.07 }; // shares of the sheet's width
const FIRST = "house";
let count = 0;

/**
 * Return {element, image, sample, isUsed, ...} of the part with which a start picture is chosen.
 *
 * `image` is the picture (ImageData) in the size of the sheet, null where none is used; `sample` the name of the sample
 * picture that it is, or null. `resize(width, height)` gives the sheet another size. `changed()` is called after each
 * change, `shown()` returns the picture that the lab shows, or null.
 */
export function startPicture(strength, texts, changed, shown) {
  const number = (count += 1);
  const sheet = element("canvas", {
    class: "sd-sheet",
    role: "img",
    "aria-label": texts.sheet,
    width: 128,
    height: 128,
  });
  const context = sheet.getContext("2d", { willReadFrequently: true });
  const problem = element("p", { class: "sd-note sd-problem", role: "alert", hidden: true });
  let sample = FIRST;
  let colour = COLOURS.red;
  let line = LINES.thick;

  const use = element("input", { type: "checkbox", onchange: changed });
  const samples = element(
    "select",
    { id: `sd-sample-${number}`, onchange: () => samples.value && take(() => putSample(samples.value)) },
    element("option", { value: "" }, texts.chooseSample),
    ...Object.keys(SAMPLES).map((name) => element("option", { value: name }, texts[name])),
  );
  const file = element("input", {
    type: "file",
    id: `sd-file-${number}`,
    accept: "image/png,image/jpeg,image/webp",
    onchange: upload,
  });

  function putSample(name) {
    putPicture(sheet, new ImageData(samplePixels(name, sheet.width, sheet.height), sheet.width, sheet.height));
    sample = samples.value = name;
  }

  /** Draw a picture over the whole sheet; what does not have its proportions is cut at the longer sides. */
  function cover(picture) {
    const scale = Math.max(sheet.width / picture.width, sheet.height / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    context.imageSmoothingQuality = "high";
    context.fillStyle = COLOURS.white; // behind what is transparent
    context.fillRect(0, 0, sheet.width, sheet.height);
    context.drawImage(picture, (sheet.width - width) / 2, (sheet.height - height) / 2, width, height);
  }

  /** Put something on the sheet and use it. */
  function take(put) {
    problem.hidden = true;
    sample = null;
    put();
    if (sample === null) samples.value = "";
    use.checked = true;
    changed();
  }

  async function upload() {
    if (!file.files.length) return;
    try {
      const picture = await createImageBitmap(file.files[0]);
      take(() => cover(picture));
      picture.close();
    } catch {
      problem.textContent = texts.noPicture;
      problem.hidden = false;
    }
    file.value = ""; // so that the same file can be chosen again
  }

  function takeShown() {
    const image = shown();
    if (image === null) return;
    const canvas = document.createElement("canvas");
    putPicture(canvas, image);
    take(() => cover(canvas));
  }

  function fill() {
    take(() => {
      context.fillStyle = colour;
      context.fillRect(0, 0, sheet.width, sheet.height);
    });
  }

  drawOn(
    sheet,
    context,
    () => ({ colour, width: line * sheet.width }),
    () => take(() => {}),
  );

  const colours = Object.entries(COLOURS).map(([name, value]) => {
    const swatch = element("span", { class: "sd-swatch" });
    swatch.style.background = value;
    const radio = radioOf(`sd-colour-${number}`, name === "red", () => (colour = value));
    return element(
      "label",
      { class: "sd-colour", title: texts[name] },
      radio,
      swatch,
      element("span", { class: "sd-hidden" }, texts[name]),
    );
  });
  const lines = Object.entries(LINES).map(([name, value]) => {
    const radio = radioOf(`sd-line-${number}`, name === "thick", () => (line = value));
    return element("label", { class: "sd-choice" }, radio, texts[name]);
  });
  const tools = element(
    "div",
    { class: "sd-tools" },
    element("div", { class: "sd-row" }, element("label", { for: samples.id }, texts.sample), samples),
    element("div", { class: "sd-row" }, element("label", { for: file.id }, texts.upload), file),
    button(texts.takeShown, takeShown),
    element("fieldset", { class: "sd-colours" }, element("legend", {}, texts.colour), ...colours),
    element("fieldset", { class: "sd-lines" }, element("legend", {}, texts.thickness), ...lines),
    button(texts.fill, fill, { title: texts.fillHint }),
  );
  putSample(FIRST);
  return {
    element: element(
      "div",
      { class: "sd-start" },
      element(
        "label",
        { class: "sd-choice" },
        use,
        element("code", {}, "image"),
        element("span", { class: "sd-does" }, texts.useStart),
      ),
      strength.element,
      element("div", { class: "sd-drawing" }, sheet, tools),
      problem,
    ),
    get isUsed() {
      return use.checked;
    },
    get image() {
      return use.checked ? context.getImageData(0, 0, sheet.width, sheet.height) : null;
    },
    get sample() {
      return use.checked ? sample : null;
    },
    resize(width, height) {
      if (sheet.width === width && sheet.height === height) return;
      const before = document.createElement("canvas");
      putPicture(before, context.getImageData(0, 0, sheet.width, sheet.height));
      [sheet.width, sheet.height] = [width, height];
      if (sample) putSample(sample);
      else cover(before);
    },
    /** Show a picture (ImageData), or a sample by its name, or none (null), without telling of a change. */
    put(image, name) {
      use.checked = image !== null || Boolean(name);
      if (name) putSample(name);
      else if (image !== null) {
        putPicture(sheet, image);
        sample = null;
        samples.value = "";
      }
    },
  };
}

/** Let a canvas be drawn on with mouse, pen and finger; `done()` is called when a line ends. */
function drawOn(canvas, context, pen, done) {
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  };
  const draw = (event) => {
    const { colour, width } = pen();
    const [x, y] = place(event);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(x, y);
    context.stroke();
    last = [x, y];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => last && draw(event));
  const end = () => {
    if (last === null) return;
    last = null;
    done();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}

function radioOf(group, isFirst, chosen) {
  return element("input", { type: "radio", name: group, checked: isFirst, onchange: chosen });
}
