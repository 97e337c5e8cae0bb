export const imu = "imu.data.sampled";
export const scan = "laser.scan.taken";
