// A code and a message with line ends, which would forge a line of a log or a header.
// expect: 400 *
export default () => { throw new AppError("A\r\nSet-Cookie: x=1", "one\r\nHTTP/1.1 200 OK\r\n\r\n", { status: 400 }); };
