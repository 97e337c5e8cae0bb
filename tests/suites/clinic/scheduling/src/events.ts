/** The topics of an appointment's life. */
export class AppointmentEvent {
  static readonly #PREFIX = "scheduling.appointment";
  static readonly Booked = "scheduling.appointment.booked";
  static readonly Moved = `${"scheduling.appointment"}.moved`;
  static readonly Cancelled = AppointmentEvent.#PREFIX + ".cancelled";
  static readonly Completed = AppointmentEvent.#PREFIX.concat(".", "completed");
}

export const SlotTopics = { HOLD: { ASK: "scheduling.slot.hold.request" } } as const;
