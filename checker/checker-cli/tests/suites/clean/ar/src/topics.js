const JOURNAL = "gl.journal";
export const POST = `${JOURNAL}.post.request`;
export const POSTED = `${JOURNAL}.posted`;
