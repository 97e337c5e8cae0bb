export const booked = (): string => "Your appointment is booked.";
export const moved = (): string => "Your appointment has moved.";
export const cancelled = (): string => "Your appointment was cancelled.";
export const critical = (): string => "Please call your doctor.";
export const overdue = (): string => "An invoice is overdue.";
export const refill = (): string => "Your medicine can be fetched.";
