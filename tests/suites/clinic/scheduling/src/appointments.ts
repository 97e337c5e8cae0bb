import { AppointmentEvent } from "./events.ts";
import { Publisher } from "./publisher.ts";

export interface Booking {
  patientId: string;
  clinician: string;
  start: string;
}

export class Appointments extends Publisher {
  book({ patientId, clinician, start }: Booking): string {
    const appointmentId: string = $app.uuid();
    $app.dao().saveRecord("scheduling_appointments", { appointmentId, patientId, clinician, start, status: "booked" });
    this.emit(AppointmentEvent.Booked, { appointmentId, patientId, clinician, start });
    return appointmentId;
  }

  move(appointmentId: string, to: string): void {
    const { patientId, start } = this.#change(appointmentId, { start: to });
    this.emit(AppointmentEvent.Moved, { appointmentId, patientId, from: start, to });
  }

  /** Ends an appointment, one way or the other. */
  end(appointmentId: string, how: { reason: string } | { service: string; minutes: number }): void {
    if ("reason" in how) {
      const { patientId } = this.#change(appointmentId, { status: "cancelled" });
      this.emit(AppointmentEvent["Cancelled"], { appointmentId, patientId, reason: how.reason });
      return;
    }
    const { patientId } = this.#change(appointmentId, { status: "completed" });
    this.emit(AppointmentEvent.Completed, { appointmentId, patientId, service: how.service, minutes: how.minutes });
  }

  #change(appointmentId: string, by: object) {
    const dao = $app.dao();
    const before = dao.findFirstRecordByFilter("scheduling_appointments", { appointmentId });
    if (!before) throw new AppError("APPOINTMENT_NOT_FOUND", `there is no appointment ${appointmentId}`, { status: 404 });
    dao.saveRecord("scheduling_appointments", { ...before, ...by });
    return before;
  }
}
