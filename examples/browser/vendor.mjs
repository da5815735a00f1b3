// Copies what the page loads of ONNX Runtime Web into vendor/: `npm install` runs it.
import { copyFile, mkdir } from "node:fs/promises";

const FILES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];

await mkdir("vendor", { recursive: true });
for (const file of FILES) {
  await copyFile(`node_modules/onnxruntime-web/dist/${file}`, `vendor/${file}`);
}
