/** Publishes below one prefix. */
export class Bus {
  #prefix;

  constructor(prefix) {
    this.#prefix = prefix;
  }

  say(verb, payload) {
    $app.realtime().publish(`${this.#prefix}.${verb}`, payload);
  }
}
