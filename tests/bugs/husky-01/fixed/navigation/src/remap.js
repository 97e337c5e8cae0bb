const table = { scan: "kinect.scan.taken" };

export const remap = { get: { ...table } };
