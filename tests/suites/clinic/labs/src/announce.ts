import { placed, received, result } from "./topics/index.ts";

type Announce = (topic: string, payload: object) => void;

// What happened to an order, by the state it is in now.
const BY_STATE = {
  placed,
  received,
} as const satisfies Record<string, string>;

export const announce: Announce = (topic, payload) => {
  $app.realtime().publish(topic, payload);
};

export function announceOrder(order: { orderId: string; patientId: string; panel: string }): void {
  const { orderId, patientId, panel } = order;
  announce(BY_STATE.placed, { orderId, patientId, panel });
}

export function announceSample(orderId: string, tube: string): void {
  announce(BY_STATE["received"], { orderId, tube });
}

/** A critical value is told twice: to whoever treats, and to whoever only files it. */
export function announceResult(order, { value, unit }: { value: number; unit: string }, critical: boolean): void {
  const { orderId, patientId, panel } = order;
  if (critical) announce(result.critical, { orderId, patientId, panel, value });
  announce(result.ready, { orderId, patientId, panel, value, unit });
}
