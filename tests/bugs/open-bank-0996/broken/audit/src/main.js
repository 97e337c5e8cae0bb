$app.log("info", "the audit is ready", {});
