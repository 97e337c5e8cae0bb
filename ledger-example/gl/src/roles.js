// Who may do what over HTTP. A route lists the roles of which its caller needs one.
export const READERS = ["gl.viewer", "gl.accountant", "gl.controller", "gl.auditor"];
export const POSTERS = ["gl.accountant", "gl.import"];
export const BOOKKEEPERS = ["gl.accountant", "gl.controller", "gl.import"];
export const CONTROLLERS = ["gl.controller"];
