// A comment that seems to end before it does.
// expect: checked TL711 4:3
const isAdmin = false;
/*‮ } ⁦if (isAdmin)⁩ ⁦ begin admins only */
export default () => isAdmin;
