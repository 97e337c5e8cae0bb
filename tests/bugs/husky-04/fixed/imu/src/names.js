export const DATA = "imu.data.sampled";
