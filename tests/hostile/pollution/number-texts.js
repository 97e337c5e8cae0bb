// Numbers that become other texts.
// expect: 200 7
export default () => { Number.prototype.toString = () => "1000000"; String.prototype.toString = () => "owned"; return $app.money ? 7 : 0; };
