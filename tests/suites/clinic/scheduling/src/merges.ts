$app.onEvent("patients.record.merged", function followMerge({ payload: { patientId, into } }) {
  const dao = $app.dao();
  for (const appointment of dao.findRecordsByFilter("scheduling_appointments", { patientId })) {
    dao.saveRecord("scheduling_appointments", { ...appointment, patientId: into });
  }
});
