export const placed = "labs.order.placed";
export const received = "labs.sample.received";
