// ONNX Runtime Web, and the files that it runs.

const RUNTIME = new URL("./vendor/", import.meta.url);

/**
 * Load ONNX Runtime Web.
 *
 * @throws {Error} it is not there; the message is for people
 */
export async function loadRuntime() {
  let runtime;
  try {
    runtime = await import(new URL("ort.wasm.min.mjs", RUNTIME).href);
  } catch {
    throw new Error("vendor/ is missing: run `npm install` in the folder of this page");
  }
  runtime.env.wasm.wasmPaths = RUNTIME.href;
  // Threads need headers that a plain file host does not send.
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = "error";
  return runtime;
}

/**
 * Fetch a file of this site.
 *
 * @param {string} path
 * @param {(share: number) => void} onProgress called with the share that has come, in [0, 1]
 * @returns {Promise<Uint8Array>}
 * @throws {Error} it is not there; the message is for people
 */
export async function fetchModel(path, onProgress = () => {}) {
  const response = await fetch(path).catch(() => {
    throw new Error(`${path} cannot be fetched: is the server still there?`);
  });
  if (!response.ok) throw new Error(`there is no ${path} beside this page (${response.status})`);
  // A host that compresses announces another length than comes.
  const encoded = response.headers.has("Content-Encoding");
  const length = encoded ? 0 : Number(response.headers.get("Content-Length"));
  const parts = [];
  let received = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    if (length) onProgress(Math.min(received / length, 1));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
