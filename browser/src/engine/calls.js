// Calls from one thread to another: each has a number, hears what is told of it on the way, and ends once.

/** The side that asks: calls of a worker whose script uses `answerCalls`. */
export class Calls {
  #last = 0;
  #open = new Map();
  #error = null; // why no more calls can be made

  constructor(worker) {
    this.worker = worker;
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault(); // else the worker of a worker ends both
      this.end(new Error(`the engine has stopped: ${event.message ?? "it did not start"}.`));
    };
  }

  /**
   * Send a call and return what it makes. `onProgress` hears of it on the way, `signal` asks it to stop. Rejects with the
   * error of the other side.
   */
  async make(kind, given, { onProgress = () => {}, signal } = {}) {
    if (this.#error) throw this.#error;
    const id = ++this.#last;
    const stop = () => this.worker.postMessage({ kind: STOP, id });
    signal?.addEventListener("abort", stop, { once: true });
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject, onProgress });
      this.worker.postMessage({ kind, id, given });
    }).finally(() => {
      this.#open.delete(id);
      signal?.removeEventListener("abort", stop);
    });
  }

  /** End the worker, and with an error all open calls and those to come. */
  end(error) {
    this.#error = error;
    this.worker.terminate();
    for (const { reject } of this.#open.values()) reject(error);
  }

  #hear({ id, progress, made, error }) {
    const call = this.#open.get(id);
    if (!call) return; // it came too late
    if (progress) call.onProgress(progress);
    else if (error) call.reject(errorOf(error));
    else call.resolve(made);
  }
}

/**
 * The side that answers, in a worker. `handlers` maps kinds of calls to functions of what was given and a call's
 * `{tell(progress), throwIfStopped()}`; what they return or throw is the answer. Pixels of pictures and long lists of
 * numbers move over.
 */
export function answerCalls(handlers) {
  const stopped = new Set();
  self.onmessage = async ({ data: { kind, id, given } }) => {
    if (kind === STOP) {
      stopped.add(id);
      return;
    }
    const call = {
      tell: (progress) => self.postMessage({ id, progress }, buffersOf(progress)),
      throwIfStopped() {
        if (stopped.has(id)) throw new DOMException("it was stopped.", "AbortError");
      },
    };
    try {
      const made = await handlers[kind](given, call);
      self.postMessage({ id, made }, buffersOf(made));
    } catch ({ name, message, code }) {
      self.postMessage({ id, error: { name, message, code } });
    } finally {
      stopped.delete(id);
    }
  };
}

const STOP = "stop";

function buffersOf(value) {
  const parts = [value, ...Object.values(value ?? {})].map((part) => part?.data ?? part);
  return parts.filter((part) => ArrayBuffer.isView(part)).map((part) => part.buffer);
}

function errorOf({ name, message, code }) {
  if (name === "AbortError") return new DOMException(message, name);
  return Object.assign(new Error(message), { name, code });
}
