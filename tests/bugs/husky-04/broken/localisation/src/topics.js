export const imu = "imu.data_compass.sampled";
export const scan = "laser.scan.taken";
