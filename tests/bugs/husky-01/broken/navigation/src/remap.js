const table = { scan: "kinect.depth-scan.taken" };

export const remap = { get: { ...table } };
