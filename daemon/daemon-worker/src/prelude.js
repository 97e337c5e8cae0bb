{
  class AppError extends Error {
    constructor(code, message, options) {
      super(message === undefined ? String(code) : String(message));
      const given = options ?? {};
      const own = { name: "AppError", code: String(code), status: given.status ?? 500, details: given.details ?? null };
      for (const key of keys(own)) {
        define(this, key, { value: own[key], writable: true, enumerable: false, configurable: true });
      }
    }
  }
  // Kept from before plugin code runs, which may replace them.
  const { keys, defineProperty: define, freeze } = Object;
  freeze(AppError.prototype);
  freeze(AppError);
  define(globalThis, "AppError", { value: AppError });
}
