// The engine counts loops by call frame, so a function that is called from a loop gets a fresh count each time.
// expect: 504 PLUGIN_DEADLINE
const inner = () => { for (let i = 0; i < 1000; i++); };
export default () => { for (;;) inner(); };
