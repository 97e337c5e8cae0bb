// A text whose end is shown elsewhere.
// expect: checked TL711 3:
export default (e) => e.body.level !== "user‮ ⁦// only for admins⁩ ⁦";
