// Build the lab: `node build.mjs [FOLDER]`, FOLDER is dist/browser beside browser/. The models are put there by
// `python -m tools.browser_models`.

import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { pages } from "./src/lab/pages.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const OUT = path.resolve(process.argv[2] ?? path.join(HERE, "..", "dist", "browser"));
const ORT = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
// What ONNX Runtime needs for each provider. The wasm files are packed: not every server packs what it sends.
const BINARIES = { wasm: "ort-wasm-simd-threaded", webgpu: "ort-wasm-simd-threaded.asyncify" };
// Whose packages have no licence file in them, only the name "MIT" in their package.json.
const HOLDERS = { "onnxruntime-web": "Microsoft Corporation" };

/** Write a file whole or not at all. */
async function write(file, data) {
  await writeFile(`${file}.part`, data);
  await rename(`${file}.part`, file);
}

/** Put ONNX Runtime's files into runtime/, unless this version is there, and return what worker.js needs to know. */
async function runtime() {
  const folder = path.join(OUT, "runtime");
  const { version } = JSON.parse(await readFile(path.join(ORT, "..", "package.json")));
  const files = {};
  for (const [provider, name] of Object.entries(BINARIES)) {
    const [module, wasm] = [`${name}-${version}.mjs`, `${name}-${version}.wasm.packed`];
    if (!(await isThere(path.join(folder, wasm)))) {
      await mkdir(folder, { recursive: true });
      await write(path.join(folder, module), await readFile(path.join(ORT, `${name}.mjs`)));
      await write(path.join(folder, wasm), gzipSync(await readFile(path.join(ORT, `${name}.wasm`)), { level: 9 }));
    }
    files[provider] = { module, wasm, bytes: (await stat(path.join(folder, wasm))).size };
  }
  const kept = Object.values(files).flatMap(({ module, wasm }) => [module, wasm]);
  for (const file of await readdir(folder)) if (!kept.includes(file)) await rm(path.join(folder, file));
  return files;
}

/** Return the licences of what the folder holds: this project's, then those of the packages in it. */
async function licences() {
  const own = await readFile(path.join(HERE, "..", "LICENSE"), "utf8");
  const permission = own.slice(own.indexOf("Permission is hereby granted")); // the MIT licence without the names
  const { dependencies } = JSON.parse(await readFile(path.join(HERE, "package.json")));
  const parts = [`This page and its model\n\n${own}`];
  for (const name of Object.keys(dependencies)) {
    const folder = path.join(HERE, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json")));
    const text = (await isThere(path.join(folder, "LICENSE")))
      ? await readFile(path.join(folder, "LICENSE"), "utf8")
      : `Copyright (c) ${HOLDERS[name]}\n\n${permission}`;
    parts.push(`${name} ${version} (${license})\n\n${text}`);
  }
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

function isThere(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

const options = {
  absWorkingDir: HERE,
  bundle: true,
  format: "esm",
  target: ["chrome111", "firefox114", "safari16.4"], // those that have module workers and unpack gzip
  minify: true,
  legalComments: "none",
  logLevel: "warning",
};

await build({
  ...options,
  entryPoints: [path.join(HERE, "src", "engine", "worker.js")],
  outdir: OUT,
  conditions: ["onnxruntime-web-use-extern-wasm"],
  define: { __RUNTIME__: JSON.stringify(await runtime()) },
});
await build({ ...options, entryPoints: [path.join(HERE, "src", "engine", "client.js")], outdir: OUT });

const lab = (name) => path.join(HERE, "src", "lab", name);
await build({ ...options, entryPoints: [lab("lab.js"), lab("lab.css")], outdir: OUT });
await build({ ...options, entryPoints: [lab("page.js")], outdir: OUT, external: ["./lab.js"] });
for (const [name, text] of Object.entries(pages())) await write(path.join(OUT, name), text);
await write(path.join(OUT, "licences.txt"), await licences());
