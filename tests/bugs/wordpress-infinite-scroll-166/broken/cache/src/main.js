$app.onEvent("presets.cache.refreshed", (e) => $app.log("info", "fetch", { all: e.payload.all }));
