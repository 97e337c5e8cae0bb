// A topic that is not the topic that it looks like.
// expect: checked TL711 3:
export default () => $app.realtime().publish("SLUG.ec­ho.made", {});
