/** Publishes on behalf of one kind of thing. */
export abstract class Publisher {
  readonly #bus = $app.realtime();

  protected emit(topic: string, payload: object): void {
    this.#bus.publish(topic, payload);
  }
}
