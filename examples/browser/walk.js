// The walk through the characters of a text: playing, pausing, stepping.

const HOLD_MS = 420;
const MOVE_MS = 280;

export class Walk {
  #length = 0;
  #place = 0;
  #draw;
  #onChange;
  #frame = 0;

  /**
   * @param {(from: number, to: number, share: number) => void} draw shows what lies between two
   *   characters
   * @param {(place: number, isPlaying: boolean) => void} onChange called when another character is
   *   reached, and when playing starts or stops
   */
  constructor(draw, onChange) {
    this.#draw = draw;
    this.#onChange = onChange;
  }

  get isPlaying() {
    return this.#frame !== 0;
  }

  /** Begin with another text, at its first character. */
  start(length) {
    this.#length = length;
    this.go(0);
  }

  /** Stop at a character; positions before the first or after the last are clamped. */
  go(place) {
    this.#stop();
    this.#place = Math.max(0, Math.min(place, this.#length - 1));
    this.#show();
  }

  step(by) {
    this.go(this.#place + by);
  }

  pause() {
    this.go(this.#place);
  }

  /** Walk on to the end; from there, start again. */
  play() {
    if (this.isPlaying || this.#length < 2) return;
    if (this.#place === this.#length - 1) this.#place = 0;
    let started;
    const tick = (now) => {
      started ??= now;
      const elapsed = now - started;
      if (elapsed >= HOLD_MS + MOVE_MS) {
        this.#place += 1;
        started = now;
        if (this.#place === this.#length - 1) this.#stop();
        this.#show();
      } else if (elapsed > HOLD_MS) {
        const share = (elapsed - HOLD_MS) / MOVE_MS;
        this.#draw(this.#place, this.#place + 1, share * share * (3 - 2 * share));
      }
      if (this.isPlaying) this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
    this.#show();
  }

  #stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #show() {
    this.#draw(this.#place, this.#place, 0);
    this.#onChange(this.#place, this.isPlaying);
  }
}
