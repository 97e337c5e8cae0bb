class AppError extends Error {
  constructor(code, message, options) {
    super(message === undefined ? String(code) : String(message));
    const given = options ?? {};
    const own = { name: "AppError", code: String(code), status: given.status ?? 500, details: given.details ?? null };
    for (const key of Object.keys(own)) {
      Object.defineProperty(this, key, { value: own[key], writable: true, enumerable: false, configurable: true });
    }
  }
}
Object.freeze(AppError.prototype);
Object.freeze(AppError);
Object.defineProperty(globalThis, "AppError", { value: AppError });
