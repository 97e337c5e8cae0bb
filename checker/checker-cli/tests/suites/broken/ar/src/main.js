$app.onEvent("gl.journal.posted", (e) => $app.log("info", e.topic));
$app.onEvent("gl.journal.postd", (e) => $app.log("info", e.topic));
