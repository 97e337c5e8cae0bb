// The bus, handed on instead of named, as tests of this plugin want it.
export interface Kernel {
  realtime(): { publish(topic: string, payload: object): unknown };
  onEvent(topic: string, handler: (e) => void): void;
}

/** Runs work and tells of it when it went well. */
export const telling = <T extends object>(kernel: Kernel, topic: string, work: () => T): T => {
  const done = work();
  kernel.realtime()["publish"](topic, done);
  return done;
};
