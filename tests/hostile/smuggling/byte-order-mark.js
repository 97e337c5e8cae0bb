// A mark in the middle of a file.
// expect: checked TL711 3:8
const a﻿ = 1;
export default () => a;
