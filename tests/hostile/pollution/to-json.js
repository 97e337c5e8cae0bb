// A toJSON for everything: it is the plugin's own answer that it spoils.
// expect: 200 "owned"
export default () => { Object.prototype.toJSON = () => "owned"; return { a: 1 }; };
